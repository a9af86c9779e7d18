"""Let the pseudo-labels have the class distribution that they should have."""
from typing import Optional

from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from ..class_prior import ClassPrior
from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels, apply_rule
from .running import RunningMean, mean_over_processes


@MODELS.register_module()
class DistributionAlignment(PseudoLabelRule):
    r"""Correct the probabilities by how often the model says each class, then ask another rule.

    .. math:: p' = \mathrm{normalize}\left(p \cdot (q / \bar p)^{s}\right)

    with the target distribution ``q`` and the running mean ``p-`` of the probabilities of the
    unlabeled images: distribution alignment of ReMixMatch (arXiv 1911.09785), with ``q`` the
    classes of the labeled images; with a uniform ``q`` and ``weights_only`` the uniform alignment
    of SoftMatch (arXiv 2301.10921). A model that overlooks the rare classes says them less often
    than they are, so their probabilities grow.

    Args:
        rule: Config of the rule that judges the corrected probabilities; None means
            ``ConfidenceThreshold``, 0.7.
        target: ``'labeled'``, or ``'uniform'``.
        strength: s, in [0, 1]; 0 corrects nothing.
        momentum: Of the running mean, in [0, 1].
        warmup: See :class:`RunningMean`.
        weights_only: The corrected probabilities decide about weights, but the labels stay those
            of the uncorrected ones.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, rule: Optional[dict] = None, target: str = 'labeled',
                 strength: float = 1.0, momentum: float = 0.999, warmup: bool = True,
                 weights_only: bool = False) -> None:
        super().__init__()
        if target not in ('labeled', 'uniform'):
            raise UserError("DistributionAlignment: target is 'labeled' or 'uniform', "
                            f'got {target!r}')
        check_number('DistributionAlignment', 'strength', strength, high=1)
        check_number('DistributionAlignment', 'momentum', momentum, high=1)
        self.rule = MODELS.build(rule or dict(type='ConfidenceThreshold'))
        self.sees_labeled = self.rule.sees_labeled
        self.sees_features = self.rule.sees_features
        self.prior = ClassPrior() if target == 'labeled' else None
        self.strength, self.weights_only = strength, weights_only
        self.momentum, self.warmup = momentum, warmup

    def set_classes(self, num_classes: int) -> None:
        """Start the mean at 1/K."""
        self.mean = RunningMean([1 / num_classes] * num_classes, self.momentum, self.warmup)
        self.rule.set_classes(num_classes)

    def set_features(self, size: int) -> None:
        """Only the other rule may look at features."""
        self.rule.set_features(size)

    def align(self, probabilities: Tensor) -> Tensor:
        """Correct probabilities (N, K) by the mean of what was seen so far."""
        target = self.prior() if self.prior is not None else 1 / len(self.mean.value)
        # A class that was never said at all must not turn into a division by zero.
        ratio = (target / self.mean.value.clamp(min=1e-6))**self.strength
        aligned = probabilities * ratio
        return aligned / aligned.sum(dim=1, keepdim=True)

    def forward(self, probabilities: Tensor, labeled: Optional[LabeledPredictions] = None,
                features: Optional[Tensor] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of the weak views."""
        self.mean.update(mean_over_processes(probabilities.mean(dim=0)))
        if labeled is not None:
            labeled = labeled._replace(probabilities=self.align(labeled.probabilities))
        pseudo = apply_rule(self.rule, self.align(probabilities), labeled, features)
        if not self.weights_only:
            return pseudo
        confidence, labels = probabilities.max(dim=1)
        return PseudoLabels(labels, pseudo.weights, confidence, probabilities)
