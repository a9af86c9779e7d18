"""A threshold that follows how sure the model is, in all and of each class."""
from typing import Optional, Sequence

import torch
from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels
from .running import RunningMean, mean_over_processes


@MODELS.register_module()
class FreeMatchThreshold(PseudoLabelRule):
    r"""Self-adaptive threshold of FreeMatch (arXiv 2205.07246).

    .. math:: \tau_t(c) = \left(\frac{\tilde p_t(c)}{\max_k \tilde p_t(k)}\right)^{\gamma} \tau_t

    where ``tau_t`` is a moving average of the highest probability and ``p~_t`` one of all
    probabilities, over the unlabeled images. The paper's ``gamma`` is 1. Its fairness loss is
    ``SelfAdaptiveFairness``, which goes with any rule.

    The paper starts both averages at 1/K, for networks that begin with random weights. Stage III
    begins with a trained teacher, so here they start from what it says of the first batches;
    ``warmup=False`` is the paper's.

    Args:
        momentum: Of both averages, in [0, 1].
        warmup: See :class:`RunningMean`.
        class_power: gamma, >= 0. 0 gives all classes the same threshold; the paper's 1 lets the
            rare ones in at next to nothing.
        bounds: Lowest and highest threshold of a class. Two equal numbers make this
            ``ConfidenceThreshold``.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, momentum: float = 0.999, warmup: bool = True, class_power: float = 1.0,
                 bounds: Sequence[float] = (0.0, 1.0)) -> None:
        super().__init__()
        check_number('FreeMatchThreshold', 'momentum', momentum, high=1)
        check_number('FreeMatchThreshold', 'class_power', class_power)
        if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
            raise UserError('FreeMatchThreshold: bounds are two numbers, 0 <= low <= high <= 1, '
                            f'got {bounds!r}')
        check_number('FreeMatchThreshold', 'bounds: the highest', bounds[1], high=1)
        check_number('FreeMatchThreshold', 'bounds: the lowest', bounds[0], high=bounds[1])
        self.momentum, self.warmup = momentum, warmup
        self.class_power, self.bounds = class_power, tuple(bounds)

    def set_classes(self, num_classes: int) -> None:
        """Start the averages at 1/K."""
        start = [1 / num_classes] * (1 + num_classes)
        self.average = RunningMean(start, self.momentum, self.warmup)

    def thresholds(self) -> Tensor:
        """(K,), those of the images seen so far."""
        overall, classes = self.average.value[0], self.average.value[1:]
        relative = (classes / classes.max())**self.class_power
        return (relative * overall).clamp(*self.bounds)

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        confidence, labels = probabilities.max(dim=1)
        now = torch.cat([confidence.mean()[None], probabilities.mean(dim=0)])
        self.average.update(mean_over_processes(now))
        accepted = confidence >= self.thresholds()[labels]
        return PseudoLabels(labels, accepted.to(probabilities), confidence, probabilities)
