"""What a rule that makes pseudo-labels gets, and what it returns."""
from typing import NamedTuple, Optional, Tuple

from torch import Tensor, nn

from ssfer_mm.errors import UserError


class PseudoLabels(NamedTuple):
    """One row per unlabeled image.

    Attributes:
        labels: (N,) class indices.
        weights: (N,) weight of each image in the loss, in [0, 1]; 0 where it is rejected.
        confidence: (N,) the teacher's probability of that class, in [0, 1].
        probabilities: (N, K) of all classes, as the rule may have corrected them.
    """
    labels: Tensor
    weights: Tensor
    confidence: Tensor
    probabilities: Tensor


class LabeledPredictions(NamedTuple):
    """Predictions for the labeled images of the same batch, by the network that makes the
    pseudo-labels.

    Attributes:
        probabilities: (B, K), of all classes.
        targets: (B, K), the true labels, one-hot or soft.
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
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        raise NotImplementedError


def apply_rule(rule: PseudoLabelRule, probabilities: Tensor,
               labeled: Optional[LabeledPredictions] = None,
               features: Optional[Tensor] = None) -> PseudoLabels:
    """Call a rule on the probabilities (N, K) of weak views; only a rule that ``sees_features``
    is given the features (N, D).

    Images whose probabilities are not finite have no pseudo-label: their weight is 0, and the rule
    and the losses are told that all classes are equally likely.

    Raises:
        UserError: Its weights are no fractions.
    """
    probabilities, features, lost = _without_lost(probabilities, features)
    if labeled is not None:
        known, of_labeled, _ = _without_lost(labeled.probabilities, labeled.features)
        labeled = labeled._replace(probabilities=known, features=of_labeled)
    seen = [features] if rule.sees_features else []
    made = rule(probabilities, labeled, *seen)
    if not made.weights.is_floating_point():
        raise UserError(f'{type(rule).__name__} gives weights of type {made.weights.dtype}: let it '
                        'return numbers from 0 to 1, such as accepted.float()')
    return made._replace(weights=made.weights.masked_fill(lost, 0))


def _without_lost(probabilities: Tensor, features: Optional[Tensor]
                  ) -> Tuple[Tensor, Optional[Tensor], Tensor]:
    """Rows that say nothing instead of those that are not finite.

    float16 can overflow in this pass alone, where no loss scale helps; one NaN in a mean or in a
    bank would then stay there.

    Returns:
        Probabilities (N, K), the lost ones 1/K each; features (N, D), if any, the lost ones 0; and
        which are lost (N,).
    """
    lost = ~probabilities.isfinite().all(dim=1)  # a GPU is not waited for
    probabilities = probabilities.masked_fill(lost[:, None], 1 / probabilities.size(1))
    if features is not None:
        features = features.masked_fill(lost[:, None], 0)
    return probabilities, features, lost
