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
        features: (B, D), if the rule sees features.
    """
    probabilities: Tensor
    targets: Tensor
    features: Optional[Tensor] = None


class PseudoLabelRule(nn.Module):
    """Base of all rules.

    A rule may keep running statistics, as buffers, so that a run resumes with them. They are
    updated in ``forward``, which stage III alone calls, once per batch, and they are those of the
    whole batch: every process has the same.

    Attributes:
        sees_labeled: Whether ``forward`` needs the labeled images too; they cost a pass of the
            teacher, so they are only predicted for rules that do.
        sees_features: Whether ``forward`` has a third argument, the features (N, D) from which the
            last layer of the network made the probabilities.
    """
    sees_labeled = False
    sees_features = False

    def set_classes(self, num_classes: int) -> None:
        """Lay out what is kept per class; SSFER calls this once, right after building the rule."""

    def set_features(self, size: int) -> None:
        """Lay out what is kept per feature, D of them; called next, if the rule sees features."""

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledOpinion] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        raise NotImplementedError


def ask(rule: PseudoLabelRule, probabilities: Tensor, labeled: Optional[LabeledOpinion] = None,
        features: Optional[Tensor] = None) -> PseudoLabels:
    """Have a rule judge weak views; it is shown features only if it sees them."""
    if rule.sees_features:
        return rule(probabilities, labeled, features)
    return rule(probabilities, labeled)
