"""A threshold per class that rises as the class is learned."""
from typing import Optional

import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.ranges import check_number

from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels
from .running import RunningMean, mean_over_processes


@MODELS.register_module()
class FlexMatchThreshold(PseudoLabelRule):
    r"""Curriculum thresholds of FlexMatch (arXiv 2110.08263).

    .. math::
        \beta(c) = \frac{\sigma(c)}{\max(\max_k \sigma(k),\ 1 - \sum_k \sigma(k))}, \qquad
        \tau(c) = \tau \frac{\beta(c)}{2 - \beta(c)}

    where ``sigma(c)`` is the share of the unlabeled images that are said to show c with a
    confidence of at least ``tau``. The paper remembers the latest opinion of every image; here a
    moving average over batches estimates the same share, without a memory that grows with the
    data.

    Args:
        threshold: tau, in (0, 1].
        lowest: Least threshold of a class, in [0, tau]; ``tau`` makes this ``ConfidenceThreshold``.
        momentum: Of the average, in [0, 1]. A window of 1 / (1 - m) batches should be about an
            epoch.
        warmup: See :class:`RunningMean`; False begins with no image at all, as the paper does.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, threshold: float = 0.7, lowest: float = 0.0, momentum: float = 0.99,
                 warmup: bool = True) -> None:
        super().__init__()
        check_number('FlexMatchThreshold', 'threshold', threshold, high=1, positive=True)
        # Above tau the classes would have one threshold, and never lower ones for the new.
        check_number('FlexMatchThreshold', 'lowest', lowest, high=threshold)
        check_number('FlexMatchThreshold', 'momentum', momentum, high=1)
        self.threshold, self.lowest = threshold, lowest
        self.momentum, self.warmup = momentum, warmup

    def set_classes(self, num_classes: int) -> None:
        """Start with no confident image."""
        self.shares = RunningMean([0.0] * num_classes, self.momentum, self.warmup)

    def thresholds(self) -> Tensor:
        """(K,), those of the images seen so far."""
        shares = self.shares.value
        unused = (1 - shares.sum()).clamp(min=0)
        learned = shares / shares.max().maximum(unused)
        return (self.threshold * learned / (2 - learned)).clamp(min=self.lowest)

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        confidence, labels = probabilities.max(dim=1)
        sure = (confidence >= self.threshold).to(probabilities)
        said = F.one_hot(labels, probabilities.size(1)) * sure[:, None]
        self.shares.update(mean_over_processes(said.mean(dim=0)))
        accepted = confidence >= self.thresholds()[labels]
        return PseudoLabels(labels, accepted.to(probabilities), confidence, probabilities)
