"""Weights instead of a threshold: the less sure, the less an image counts."""
from typing import Optional

import torch
from mmengine.dist import get_world_size
from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.ranges import check_number

from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels
from .running import RunningMean, mean_over_processes


@MODELS.register_module()
class SoftMatchWeights(PseudoLabelRule):
    r"""Truncated Gaussian weights of SoftMatch (arXiv 2301.10921).

    .. math:: m(p) = \exp\left(-\frac{\min(\max p - \mu_t, 0)^2}{2 (w \sigma_t)^2}\right)

    with moving averages ``mu_t`` and ``sigma_t^2`` of mean and variance of the confidence over the
    unlabeled images: whoever is at least as sure as usual counts in full. SoftMatch corrects the
    probabilities first: see :class:`DistributionAlignment`.

    Args:
        width: w, > 0; 1 is the equation of the paper. Towards 0 this becomes a threshold at the
            mean confidence.
        momentum: Of both averages, in [0, 1].
        warmup: See :class:`RunningMean`; False begins with 1/K and 1, as the paper does.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, width: float = 1.0, momentum: float = 0.999, warmup: bool = True) -> None:
        super().__init__()
        check_number('SoftMatchWeights', 'width', width, positive=True)
        check_number('SoftMatchWeights', 'momentum', momentum, high=1)
        self.width, self.momentum, self.warmup = width, momentum, warmup

    def set_classes(self, num_classes: int) -> None:
        """Start with the mean 1/K and the variance 1."""
        self.average = RunningMean([1 / num_classes, 1.0], self.momentum, self.warmup)

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        confidence, labels = probabilities.max(dim=1)
        mean, variance = self.average.update(_mean_and_variance(confidence))
        below = (confidence - mean).clamp(max=0)
        # Where all are equally sure the variance is 0, and so is the distance.
        spread = 2 * self.width**2 * variance.clamp(min=1e-12)
        return PseudoLabels(labels, torch.exp(-below**2 / spread), confidence, probabilities)


def _mean_and_variance(values: Tensor) -> Tensor:
    """Mean and unbiased variance (2,) of the values (N,) of all processes."""
    mean, square = mean_over_processes(torch.stack([values.mean(), (values**2).mean()]))
    count = len(values) * get_world_size()
    variance = (square - mean**2).clamp(min=0) * count / max(count - 1, 1)
    return torch.stack([mean, variance])
