"""FaceMix: mix pairs of faces, and let their overlap decide how much the mixture counts."""
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmpretrain.registry import BATCH_AUGMENTS
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import clip_boxes, paired_iou
from ssfer_mm.ranges import check_number


@dataclass
class FaceMixBatch:
    """What :meth:`FaceMix.mix` returns; B images, K classes.

    Attributes:
        images: (B, 3, H, W), the real images, exactly as given.
        targets: (B, K), their one-hot or soft labels, exactly as given.
        mixed: (B, 3, H, W), ``lam x_i + (1 - lam) x_j``.
        mixed_targets: (B, K), the same mixture of the smoothed labels.
        iou: (B,), overlap of the two faces of each pair, NaN where unknown.
        real_weight: (B,), weight of each real image in the loss.
        lam: Share of image i in its mixture, in [0, 1].
        missing: (B,) bool, images without exactly one face box.
        counted: (C,), indices of the real images whose weight is not 0.
    """
    images: Tensor
    targets: Tensor
    mixed: Tensor
    mixed_targets: Tensor
    iou: Tensor
    real_weight: Tensor
    lam: float
    missing: Tensor
    counted: Tensor


@BATCH_AUGMENTS.register_module()
class FaceMix:
    """Mix each image with its partner in the reversed batch (SSFER, arXiv 2410.17622, FaceMix).

    Image ``i`` of B meets ``j = B - 1 - i``, with one ``lam ~ Beta(alpha, alpha)`` per batch,
    drawn by NumPy::

        x~_i = lam x_i + (1 - lam) x_j        y~_i = lam s(y_i) + (1 - lam) s(y_j)

    where ``s`` smooths a label. Faces that lie on each other mix into a plausible face, and the
    mixed image carries the loss; the less they overlap, the more the real images do. IoU is
    symmetric and image i occurs in its own term of the loss and in its partner's, so its weight is
    ``2 (1 - IoU_i)``. In a batch of odd size the middle image is its own partner: its IoU is 1
    and it counts once, unmixed.

    Nothing is changed in place. With ``boxes=None``, or with ``real_weight=0``, this is plain
    Mixup, and so it is when mmpretrain calls it as an ordinary batch augment, without boxes.

    Args:
        alpha: Parameter of the Beta distribution, > 0.
        label_smoothing: Share of the label spread evenly over all classes, in [0, 1).
        real_weight: ``'iou'``, or a constant weight for every real image.
        extent: ``'visible'`` clips boxes to the view, which is what a detector would see there.
            ``'full'`` does not: how the faces really lie, also in tight crops, where every
            clipped box is the whole view and every IoU would be 1.
        missing: What to do about an image with no face, or several. ``'fixed'`` gives it
            ``fixed_box`` (the paper's rule; two such images have IoU 1). ``'no_overlap'`` makes
            the IoU of its pair 0, so that both real images keep their full weight.
        fixed_box: (x1, y1, x2, y2) in pixels of a view of ``fixed_size`` pixels; scaled to others.
        fixed_size: See ``fixed_box``.

    Raises:
        UserError: An argument is out of range.

    Example:
        >>> import torch
        >>> from ssfer_mm.models import FaceMix
        >>> images, targets = torch.rand(4, 3, 48, 48), torch.eye(8)[:4]
        >>> boxes = torch.tensor([[4., 4., 44., 44.]] * 4)
        >>> batch = FaceMix().mix(images, targets, boxes)
        >>> batch.iou.tolist(), batch.real_weight.tolist()
        ([1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self,
                 alpha: float = 1.0,
                 label_smoothing: float = 0.1,
                 real_weight: Union[str, float] = 'iou',
                 extent: str = 'visible',
                 missing: str = 'fixed',
                 fixed_box: Sequence[float] = (25, 25, 220, 220),
                 fixed_size: int = 224) -> None:
        check_number('FaceMix', 'alpha', alpha, positive=True)
        check_number('FaceMix', 'label_smoothing', label_smoothing, high=1, below=True)
        check_number('FaceMix', 'fixed_size', fixed_size, positive=True)
        if not isinstance(fixed_box, (list, tuple)) or len(fixed_box) != 4:
            raise UserError(f'FaceMix: fixed_box is x1, y1, x2, y2, got {fixed_box!r}')
        if extent not in ('visible', 'full'):
            raise UserError(f"FaceMix: extent is 'visible' or 'full', got {extent!r}")
        if missing not in ('fixed', 'no_overlap'):
            raise UserError(f"FaceMix: missing is 'fixed' or 'no_overlap', got {missing!r}")
        if real_weight != 'iou':
            check_number('FaceMix', "real_weight, where it is not 'iou',", real_weight)
        self.alpha = alpha
        self.label_smoothing = label_smoothing
        self.real_weight = real_weight
        self.extent = extent
        self.missing = missing
        self.fixed_box = tuple(coordinate / fixed_size for coordinate in fixed_box)

    def mix(self, images: Tensor, targets: Tensor, boxes: Optional[Tensor] = None) -> FaceMixBatch:
        """Mix a batch with its reverse.

        Args:
            images: (B, 3, H, W), normalized or not.
            targets: (B, K), one-hot or soft labels.
            boxes: (B, 4), unclipped xyxy in pixels of these views, NaN where an image has not
                exactly one face. None means plain Mixup. Best on the CPU, also where the images
                are not: which real images count is then known without waiting for a GPU.

        Raises:
            UserError: Shapes do not belong together.
        """
        if targets.ndim != 2 or len(targets) != len(images):
            raise UserError('FaceMix needs one row of class scores per image, got images '
                            f'{tuple(images.shape)} and targets {tuple(targets.shape)}')
        # From NumPy's generator, which training seeds alike in all processes.
        lam = float(np.random.beta(self.alpha, self.alpha))
        smooth = (1 - self.label_smoothing) * targets + self.label_smoothing / targets.size(1)
        iou, missing = self.pair_iou(boxes, len(images), images.shape[-2:])
        weight = self._weigh(iou, boxes is not None)
        return FaceMixBatch(
            images=images,
            targets=targets,
            mixed=torch.lerp(images.flip(0), images, lam),
            mixed_targets=torch.lerp(smooth.flip(0), smooth, lam),
            iou=iou.to(images.device),
            real_weight=weight.to(images.device),
            lam=lam,
            missing=missing.to(images.device),
            counted=weight.nonzero().flatten().to(images.device))

    def pair_iou(self, boxes: Optional[Tensor], batch: int,
                 view: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
        """IoU (B,) of each image's face with its partner's, and which boxes are missing (B,)."""
        if boxes is None:
            return torch.full((batch, ), float('nan')), torch.ones(batch, dtype=torch.bool)
        if boxes.shape != (batch, 4):
            raise UserError(f'FaceMix needs boxes of shape ({batch}, 4), got {tuple(boxes.shape)}')
        boxes, missing = self.boxes_that_count(boxes, view)
        iou = paired_iou(boxes, boxes.flip(0))
        if self.missing == 'no_overlap':
            alone = torch.arange(batch) == batch - 1 - torch.arange(batch)
            iou = iou.masked_fill((missing | missing.flip(0)) & ~alone.to(iou.device), 0)
        return iou, missing

    def boxes_that_count(self, boxes: Tensor, view: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
        """The boxes (B, 4) whose overlap is measured, and which of them had to be made up (B,).

        Args:
            boxes: (B, 4), unclipped, NaN where missing.
            view: Height and width of the views, in pixels.
        """
        if self.extent == 'visible':
            boxes = clip_boxes(boxes, view)
        # A face that was cropped away altogether is one that no detector would find.
        missing = ~((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
        height, width = view
        fixed = boxes.new_tensor(self.fixed_box) * boxes.new_tensor([width, height, width, height])
        return torch.where(missing[:, None], fixed, boxes), missing

    def _weigh(self, iou: Tensor, has_boxes: bool) -> Tensor:
        """Weight (B,) of the real images: 2 (1 - IoU), or the constant that was asked for."""
        if self.real_weight == 'iou':
            return 2 * (1 - iou) if has_boxes else torch.zeros_like(iou)
        weight = torch.full_like(iou, float(self.real_weight))
        if len(iou) % 2:
            weight[len(iou) // 2] = 0
        return weight

    def __call__(self, inputs: Tensor, scores: Tensor) -> Tuple[Tensor, Tensor]:
        """Plain Mixup, in mmpretrain's batch-augment signature."""
        batch = self.mix(inputs, scores.float())
        return batch.mixed, batch.mixed_targets


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Class indices (B,) -> float one-hot rows (B, K)."""
    return F.one_hot(labels.long(), num_classes).float()
