"""The labeled part of a training step: what the student sees of it, and what that costs."""
from typing import Dict

import torch
from torch import Tensor, nn

from .facemix import FaceMixBatch
from .losses import FaceMixLoss, soft_cross_entropy


def labeled_images(inputs: Dict[str, Tensor]) -> Tensor:
    """The labeled images (B, 3, H, W) or, with FaceMix, the mixed ones and the real ones that
    count, in one batch for one pass."""
    if 'facemix' not in inputs:
        return inputs['labeled']
    batch: FaceMixBatch = inputs['facemix']
    return torch.cat([batch.mixed, batch.images[batch.counted]])


def labeled_losses(logits: Tensor, inputs: Dict[str, Tensor],
                   adjust: nn.Module) -> Dict[str, Tensor]:
    """Cross-entropy on the labeled images, or the FaceMix loss where they were mixed.

    Args:
        logits: (N, K), the student's, of :func:`labeled_images`.
        inputs: Of the same batch, from :class:`SSFERDataPreprocessor`.
        adjust: :class:`LogitAdjustment` of the stage, or the identity.

    Returns:
        The loss, and figures to log.
    """
    if 'facemix' not in inputs:
        targets = inputs['targets']
        right = logits.argmax(dim=1) == targets.argmax(dim=1)
        return dict(
            loss_labeled=soft_cross_entropy(adjust(logits), targets).mean(),
            train_accuracy=right.float().mean())
    batch: FaceMixBatch = inputs['facemix']
    mixed, real = adjust(logits).split([len(batch.mixed), len(batch.counted)])
    loss = FaceMixLoss()(mixed, batch.mixed_targets, real, batch.targets[batch.counted],
                         batch.real_weight[batch.counted])
    return dict(
        loss_facemix=loss,
        iou_mean=batch.iou.mean(),
        iou_std=batch.iou.std(unbiased=False),
        boxes_missing=batch.missing.float().mean())
