"""Rare classes: let the loss know how often each class is to be expected."""
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.ranges import check_number

from .class_prior import ClassPrior


@MODELS.register_module()
class LogitAdjustment(nn.Module):
    r"""Add the log of the class shares to logits in training (Menon et al., arXiv 2007.07314).

    .. math:: z' = z + \tau \log \pi

    with the shares ``pi`` of the classes among the labeled images. A softmax of ``z'`` fits the
    data as they are; what is tested is ``z``, which is that without the shares: with ``tau`` 1,
    the network that is best when all classes are equally frequent (mean class accuracy). It and
    ``TwoSourceSampler``'s ``balance`` make up for the same thing and add up: with both, ``tau``
    1 - ``balance`` is that network, and a larger one prefers rare classes.

    Args:
        tau: >= 0; 0 adjusts nothing.
        pseudo_labels: In stage III, adjust both the probabilities that pseudo-labels are made of
            and the loss on them. Else neither: labels and loss speak of equally frequent classes.

    Raises:
        UserError: tau is out of range.
    """

    def __init__(self, tau: float = 1.0, pseudo_labels: bool = False) -> None:
        super().__init__()
        check_number('LogitAdjustment', 'tau', tau)
        self.tau, self.pseudo_labels = tau, pseudo_labels
        self.prior = ClassPrior()

    def forward(self, logits: Tensor) -> Tensor:
        """Adjust logits (N, K)."""
        return logits.float() + self.tau * self.prior().log()
