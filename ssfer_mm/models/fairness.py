"""A loss on the predictions of a whole batch, against favorites among the classes."""
import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.ranges import check_number

from .pseudo_labels import PseudoLabels
from .pseudo_labels.running import RunningMean, mean_over_processes


@MODELS.register_module()
class SelfAdaptiveFairness(nn.Module):
    r"""Self-adaptive fairness of FreeMatch (arXiv 2205.07246, eq. 11).

    .. math::
        L = -\lambda H(a, b) = \lambda \sum_c a_c \log b_c, \qquad
        a = \mathrm{norm}(\tilde p / \tilde h), \quad b = \mathrm{norm}(\bar p / \bar h)

    with ``norm`` a division by the sum. ``p-`` is the mean of the student's probabilities of the
    strong views that have a pseudo-label, ``h-`` the histogram of what it says of them. ``p~`` and
    ``h~`` are moving averages of the teacher's probabilities and labels of all weak views.

    The loss is below 0, and sums are over the classes that the batch names: ``h-`` is 0 elsewhere.
    Our addition to the equation, for rules that give weights instead of a threshold: a class is
    named from half a vote on. Otherwise one image that hardly counts, alone with its class, would
    be worth as much in ``norm`` as all others. A vote of a threshold is a whole one.

    Its gradient in ``log p-_c`` is ``a_c - b_c``. A class that wins more often than its
    probability warrants (small ``p-_c / h-_c``), more so than on average, is pushed down; one that
    is often a close second is lifted. It is not a pull towards equal classes.

    Averages are kept here and not in ``FreeMatchThreshold``, so any rule can go with the loss; its
    indicator is then the weight of the pseudo-label. They start as those of the rule.

    Args:
        weight: lambda, >= 0.
        momentum: Of both averages, in [0, 1].
        warmup: See :class:`RunningMean`.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, weight: float = 0.05, momentum: float = 0.999,
                 warmup: bool = True) -> None:
        super().__init__()
        check_number('SelfAdaptiveFairness', 'weight', weight)
        check_number('SelfAdaptiveFairness', 'momentum', momentum, high=1)
        self.weight, self.momentum, self.warmup = weight, momentum, warmup

    def set_classes(self, num_classes: int) -> None:
        """Start both averages at 1/K."""
        equal = [1 / num_classes] * num_classes
        self.average = RunningMean([equal, equal], self.momentum, self.warmup)

    def forward(self, logits: Tensor, weights: Tensor, pseudo: PseudoLabels,
                total: int) -> Tensor:
        """Return the scalar loss, that of the batch of all processes.

        Args:
            logits: (M, K), of the strong views that were given to the student, M <= total.
            weights: (M,), of their pseudo-labels.
            pseudo: What the rule says of all weak views of this process.
            total: N, the number of unlabeled images in this process.
        """
        strong = F.softmax(logits.float(), dim=1)
        mean = (weights[:, None] * strong).sum(dim=0) / total
        votes = (weights[:, None] * _one_hot(strong.argmax(dim=1), strong)).sum(dim=0)
        weak = pseudo.probabilities
        everyones = mean_over_processes(torch.stack([
            mean, votes, weak.mean(dim=0), _one_hot(pseudo.labels, weak).mean(dim=0)]))
        usual = self.average.update(everyones[2:])
        # The value is that of all images; the gradient is this process's share of it, for the
        # processes take the mean of their gradients.
        mean = everyones[0] + mean - mean.detach()
        named = everyones[1] * get_world_size() >= 0.5
        now = _relative(mean, everyones[1] / total, named)
        log = torch.where(named, now, torch.ones_like(now)).log()
        return self.weight * (_relative(usual[0], usual[1], named) * log).sum()


def _one_hot(labels: Tensor, like: Tensor) -> Tensor:
    return F.one_hot(labels, like.size(1)).to(like)


def _relative(mean: Tensor, histogram: Tensor, named: Tensor) -> Tensor:
    """Probability per vote (K,), sum 1 over the named classes, 0 of the others."""
    ratio = torch.where(named, mean / histogram.clamp(min=1e-6), torch.zeros_like(mean))
    return ratio / ratio.sum().clamp(min=1e-12)
