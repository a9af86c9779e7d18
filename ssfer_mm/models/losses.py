"""The two losses of SSFER, on logits."""
from typing import Optional

import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.ranges import check_number

from .class_prior import ClassPrior


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each row: logits (N, K), targets (N, K) that sum to 1 -> (N,)."""
    return -(targets * F.log_softmax(logits.float(), dim=1)).sum(dim=1)


def sharpen(probabilities: Tensor, temperature: float) -> Tensor:
    """Rows (N, K) to the power of 1 / temperature, normalized; below 1 the likely gain."""
    return F.softmax(probabilities.log() / temperature, dim=1)  # powers themselves may underflow


@MODELS.register_module()
class FaceMixLoss(nn.Module):
    r"""IoU-weighted loss over mixed and real images (SSFER, arXiv 2410.17622, FaceMix).

    .. math::
        L = \frac1B \sum_i \left[ CE(\tilde x_i, \tilde y_i)
            + w_i\, CE(x_i, y_i) \right], \qquad w_i = 2 (1 - IoU_i)

    which is the paper's sum over pairs, each real image collected from both pairs that name it.
    """

    def forward(self,
                mixed_logits: Tensor,
                mixed_targets: Tensor,
                real_logits: Optional[Tensor] = None,
                real_targets: Optional[Tensor] = None,
                real_weight: Optional[Tensor] = None) -> Tensor:
        """Return the scalar loss.

        Args:
            mixed_logits: (B, K), of the mixed images.
            mixed_targets: (B, K), their soft labels.
            real_logits: (R, K), of those real images that have a weight; None for plain Mixup.
            real_targets: (R, K), their labels, not smoothed.
            real_weight: (R,), their weights.
        """
        loss = soft_cross_entropy(mixed_logits, mixed_targets).sum()
        if real_logits is not None:
            loss = loss + (real_weight * soft_cross_entropy(real_logits, real_targets)).sum()
        return loss / len(mixed_logits)


@MODELS.register_module()
class PseudoLabelLoss(nn.Module):
    r"""Cross-entropy of strong views against accepted pseudo-labels (SSFER, stage III).

    .. math:: L_u = \frac1N \sum_i m_i\, CE(x^{strong}_i, \hat y_i)

    over all N unlabeled images of the batch: rejected ones count as zeros.

    Args:
        class_power: Weigh class c by ``share_c ** -power``, its share among the labeled images,
            such that images with the labeled classes have weight 1 on average. 0: all alike.

    Raises:
        UserError: The power is out of range.
    """

    def __init__(self, class_power: float = 0.0) -> None:
        super().__init__()
        check_number('PseudoLabelLoss', 'class_power', class_power)
        self.class_power = class_power
        self.prior = ClassPrior()

    def forward(self, logits: Tensor, labels: Tensor, weights: Tensor, total: int) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (M, K), of the strong views that were given to the student, M <= total.
            labels: (M,), their pseudo-labels, or soft ones (M, K).
            weights: (M,), their weights ``m``.
            total: N, the number of unlabeled images in the batch.
        """
        if len(logits) == 0:
            return torch.zeros((), device=logits.device)
        if self.class_power:
            of_class = self.class_weights()
            weights = weights * (
                # Not a product of matrices, which autocast would round.
                (labels * of_class).sum(dim=1) if labels.ndim == 2 else of_class[labels])
        losses = F.cross_entropy(logits.float(), labels, reduction='none')
        return (weights * losses).sum() / total

    def class_weights(self) -> Tensor:
        """(K,), whose mean over the labeled images is 1."""
        shares = self.prior()
        weights = shares**-self.class_power
        return weights / (shares * weights).sum()
