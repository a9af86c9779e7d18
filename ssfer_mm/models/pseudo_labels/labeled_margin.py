"""A threshold per class, learned from labeled images that were recognized."""
from typing import Optional

import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.ranges import check_number

from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels
from .running import RunningMean, mean_over_processes

# Share of recognized images, averaged over the batches, that is as good as none.
FORGOTTEN = 1e-12


@MODELS.register_module()
class LabeledMargin(PseudoLabelRule):
    r"""Adaptive confidence margin after Ada-CM (arXiv 2203.12341).

    .. math:: \tau(c) = \beta s(c)

    with ``s(c)`` the mean confidence on those labeled images of class c that are predicted
    correctly. The paper takes the mean over an epoch and lets the margin rise over the first ones,
    for networks that begin with random weights; here the mean moves with the batches, as in the
    authors' later work, and there is no ramp. Images below the margin are left to ``SSFER``'s
    ``rejected_loss``.

    The labeled images have been learned, the unlabeled ones not: on few labels, ``s`` is near 1.

    Args:
        scale: beta, in (0, 1].
        threshold: tau of a class none of whose images has been recognized yet, or not for so long
            that its mean is forgotten, in [0, 1].
        momentum: Of the mean, in [0, 1].

    Raises:
        UserError: An argument is out of range.
    """
    sees_labeled = True

    def __init__(self, scale: float = 0.97, threshold: float = 0.7,
                 momentum: float = 0.99) -> None:
        super().__init__()
        check_number('LabeledMargin', 'scale', scale, high=1, positive=True)
        check_number('LabeledMargin', 'threshold', threshold, high=1)
        check_number('LabeledMargin', 'momentum', momentum, high=1)
        self.scale, self.threshold, self.momentum = scale, threshold, momentum

    def set_classes(self, num_classes: int) -> None:
        """Start with nothing recognized."""
        nothing = [0.0] * num_classes  # `recognised`: as checkpoints spell it
        self.recognised = RunningMean([nothing, nothing], self.momentum, warmup=False)

    def thresholds(self) -> Tensor:
        """(K,), those of the images seen so far."""
        confidence, count = self.recognised.value
        # A mean over the recent batches, in which rare classes are not in every one. Far below
        # FORGOTTEN it would be a quotient of what rounding leaves.
        margin = self.scale * confidence / count
        return torch.where(count > FORGOTTEN, margin, self.threshold)

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        known, predicted = labeled.probabilities.max(dim=1)
        truth = labeled.targets.argmax(dim=1)
        # (B, K): 1 at the class of each image that is predicted correctly, else 0.
        right = F.one_hot(truth, probabilities.size(1)) * (predicted == truth)[:, None]
        right = right.to(known)
        now = torch.stack([(right * known[:, None]).mean(dim=0), right.mean(dim=0)])
        self.recognised.update(mean_over_processes(now))
        confidence, labels = probabilities.max(dim=1)
        accepted = confidence >= self.thresholds()[labels]
        return PseudoLabels(labels, accepted.to(probabilities), confidence, probabilities)
