"""Mixup of unlabeled faces, in which the one that is surer shows more."""
from typing import NamedTuple, Optional

import torch
from mmpretrain.registry import BATCH_AUGMENTS
from torch import Tensor

from ssfer_mm.ranges import check_number

from .pseudo_labels import PseudoLabels


class PseudoMixupBatch(NamedTuple):
    """What :meth:`PseudoMixup.mix` returns; N images, K classes.

    Attributes:
        images: (N, 3, H, W).
        targets: (N, K), labels that sum to 1.
        weights: (N,), of each mixture in the loss.
    """
    images: Tensor
    targets: Tensor
    weights: Tensor


@BATCH_AUGMENTS.register_module()
class PseudoMixup:
    r"""Probabilistic pseudo-mixup, after Semi-ViT (arXiv 2208.05688).

    Image i meets its neighbor j in the batch, the last one the first::

        x~ = l x_i + (1 - l) x_j      y~ = l y_i + (1 - l) y_j      m~ = max(m_i, m_j)
        l = r c_i / (r c_i + (1 - r) c_j)

    with pseudo-labels y, hard or soft, their confidence c and their weights m. A rejected image
    still takes part beside an accepted one, to the extent that the teacher is sure of it.

    Args:
        alpha: r ~ Beta(alpha, alpha), drawn per image; None means 1/2, so that confidence alone
            decides.

    Raises:
        UserError: alpha is out of range.
    """

    def __init__(self, alpha: Optional[float] = None) -> None:
        if alpha is not None:
            check_number('PseudoMixup', 'alpha', alpha, positive=True)
        self.alpha = alpha

    def mix(self, images: Tensor, targets: Tensor, pseudo: PseudoLabels) -> PseudoMixupBatch:
        """Mix strong views (N, 3, H, W) and their targets (N, K); nothing is changed in place."""
        ratio = self._ratio(len(images)).to(pseudo.confidence)
        mine = ratio * pseudo.confidence
        share = mine / (mine + (1 - ratio) * pseudo.confidence.roll(-1)).clamp(min=1e-12)
        return PseudoMixupBatch(
            _blend(images, share[:, None, None, None]), _blend(targets, share[:, None]),
            torch.maximum(pseudo.weights, pseudo.weights.roll(-1)))

    def _ratio(self, count: int) -> Tensor:
        if self.alpha is None:
            return torch.full((count, ), 0.5)
        alpha = torch.full((count, ), float(self.alpha))
        return torch.distributions.Beta(alpha, alpha).sample()


def _blend(rows: Tensor, share: Tensor) -> Tensor:
    """Each row with the next one, the last with the first."""
    return torch.lerp(rows.roll(-1, 0), rows, share.to(rows))
