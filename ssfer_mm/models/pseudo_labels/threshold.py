"""The rule of SSFER: one threshold for all classes and all of training."""
from typing import Optional

from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.ranges import check_number

from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels


@MODELS.register_module()
class ConfidenceThreshold(PseudoLabelRule):
    """Hard pseudo-label where the highest probability reaches ``threshold`` (SSFER, stage III).

    Args:
        threshold: tau, in (0, 1].

    Raises:
        UserError: It is out of range.

    Example:
        >>> import torch
        >>> from ssfer_mm.models import ConfidenceThreshold
        >>> ConfidenceThreshold(0.7)(torch.tensor([[.8, .2], [.4, .6]])).weights.tolist()
        [1.0, 0.0]
    """

    def __init__(self, threshold: float = 0.7) -> None:
        super().__init__()
        check_number('ConfidenceThreshold', 'threshold', threshold, high=1, positive=True)
        self.threshold = threshold

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        confidence, labels = probabilities.max(dim=1)
        accepted = confidence >= self.threshold
        return PseudoLabels(labels, accepted.to(probabilities), confidence, probabilities)
