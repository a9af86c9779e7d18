"""What a rule that makes pseudo-labels is given, and what it gives back."""
from typing import NamedTuple, Optional

from torch import Tensor, nn


class PseudoLabels(NamedTuple):
    """One row per unlabeled image.

    Attributes:
        labels: (N,) class indices.
        weights: (N,) weight of each image in the loss, in [0, 1]; 0 where it is rejected.
        confidence: (N,) the teacher's probability of that class.
        probabilities: (N, K) of all classes, as the rule has judged them.
    """
    labels: Tensor
    weights: Tensor
    confidence: Tensor
    probabilities: Tensor


class LabeledOpinion(NamedTuple):
    """What the maker of the pseudo-labels thinks of the labeled images of the same batch.

    Attributes:
        probabilities: (B, K).
        targets: (B, K), the truth, one-hot or soft.
    """
    probabilities: Tensor
    targets: Tensor


class PseudoLabelRule(nn.Module):
    """Base of all rules.

    A rule may keep running statistics, as buffers, so that a run resumes with them. They are
    updated in ``forward``, which stage III alone calls, once per batch, and they are those of the
    whole batch: every process has the same.

    Attributes:
        sees_labeled: Whether ``forward`` needs the labeled images too; they cost a pass of the
            teacher, so they are only predicted for rules that do.
    """
    sees_labeled = False

    def set_classes(self, num_classes: int) -> None:
        """Lay out what is kept per class; SSFER calls this once, right after building the rule."""

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledOpinion] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        raise NotImplementedError
