"""Stage I that hides eyes, brows and mouth rather than cheeks and hair."""
from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmpretrain.models import MAE, MAEViT
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

# Worth of hiding each part of a tightly cropped face: brows and eyes in rows 2 and 3, the mouth in
# rows 5 and 6.
FACE_MAP = (
    (1., 1., 1., 1., 1., 1.),
    (1., 3., 3., 3., 3., 1.),
    (1., 3., 3., 3., 3., 1.),
    (1., 1., 1., 1., 1., 1.),
    (1., 2., 3., 3., 2., 1.),
    (1., 1., 2., 2., 1., 1.),
)


@MODELS.register_module()
class FaceMAEViT(MAEViT):
    """``MAEViT`` that hides the patches of a high weight rather than others.

    Attributes:
        patch_weights: (B, L) > 0 of the next batch, as :class:`FaceMAE` sets them; None hides all
            patches alike.
    """

    patch_weights: Optional[Tensor] = None

    def random_masking(self, x: Tensor, mask_ratio: float = 0.75) -> Tuple[Tensor, Tensor, Tensor]:
        """Hide a share of the patches: (B, L, C) -> visible ones (B, L', C), mask, restore."""
        if self.patch_weights is None:
            return super().random_masking(x, mask_ratio)
        count = int(x.size(1) * (1 - mask_ratio))
        order = hiding_order(self.patch_weights.to(x.device))
        restore = order.argsort(dim=1)
        visible = x.gather(1, order[:, :count, None].expand(-1, -1, x.size(2)))
        return visible, (restore >= count).to(x), restore  # 0 is kept, 1 is hidden


@MODELS.register_module()
class FaceMAE(MAE):
    """MAE whose mask follows the face: what tells an expression is hidden more often.

    The mask ratio stays what it is. A patch's weight is that of the cell of ``mask_map`` that lies
    on its center, the map being spread over the face box of the image; outside the face, and
    where there is no box, all patches weigh the same. Boxes reach the model with the dataset's
    ``boxes`` (``'image'`` where every image is a tight crop).

    Args:
        backbone: Config of a :class:`FaceMAEViT`.
        neck: As of ``MAE``.
        head: As of ``MAE``.
        data_preprocessor: As of ``MAE``.
        mask_map: Rows of weights > 0, from the top of the face to its bottom, each the same from
            the right as from the left: a box does not tell whether the image was flipped.
        init_cfg: As of ``MAE``.

    Raises:
        UserError: The map is none, or the backbone does not know weights.
    """

    def __init__(self,
                 backbone: dict,
                 neck: dict,
                 head: dict,
                 data_preprocessor: Optional[dict] = None,
                 mask_map: Sequence[Sequence[float]] = FACE_MAP,
                 init_cfg: Optional[List[dict]] = None) -> None:
        super().__init__(backbone=backbone, neck=neck, head=head,
                         data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if not isinstance(self.backbone, FaceMAEViT):
            raise UserError(f'FaceMAE: the backbone is a {type(self.backbone).__name__}, which '
                            'hides all patches alike: set model.backbone.type=FaceMAEViT')
        self.mask_map = _checked(mask_map)

    def loss(self, inputs: Tensor, data_samples: List[DataSample]) -> Dict[str, Tensor]:
        """As of ``MAE``; the boxes come with the data samples."""
        if not all(isinstance(sample, DataSample) and 'face_box' in sample
                   for sample in data_samples):
            raise UserError('FaceMAE needs to know where the faces are: let the pipeline end with '
                            "PackFace, and set train_dataloader.dataset.boxes to 'image' or to a "
                            'box file')
        boxes = torch.stack([sample.face_box for sample in data_samples])
        grid = tuple(self.backbone.patch_resolution)
        self.backbone.patch_weights = patch_weights(boxes, inputs.shape[-2:], grid, self.mask_map)
        try:
            return super().loss(inputs, data_samples)
        finally:
            self.backbone.patch_weights = None


def hiding_order(weights: Tensor) -> Tensor:
    """A random order of each row's patches, in which a heavy one rather comes late.

    The last ``m`` are a sample without replacement in which each next one is drawn in proportion
    to its weight (Efraimidis and Spirakis 2006: keys ``u ** (1 / w)``, the largest ones win).

    Args:
        weights: (B, L), > 0.

    Returns:
        int64 (B, L), a permutation per row.
    """
    return (torch.rand_like(weights).log() / weights).argsort(dim=1)


def patch_weights(boxes: Tensor, view: Tuple[int, int], grid: Tuple[int, int],
                  mask_map: Tensor) -> Tensor:
    """What each patch of each view weighs.

    Args:
        boxes: (B, 4), xyxy in pixels of the views, not clipped, NaN where unknown.
        view: Height and width of the views, in pixels.
        grid: Rows and columns of patches, L together.
        mask_map: (R, C), over the face; on the CPU.

    Returns:
        (B, L), patches row by row; the map's lowest weight outside the face.
    """
    x1, y1, x2, y2 = boxes.unbind(1)
    rows = _cells(y1, y2, view[0], grid[0], mask_map.size(0))
    columns = _cells(x1, x2, view[1], grid[1], mask_map.size(1))
    # One more row and column, for what lies outside.
    padded = F.pad(mask_map, (0, 1, 0, 1), value=float(mask_map.min())).to(boxes.device)
    return padded[rows[:, :, None], columns[:, None, :]].flatten(1)


def _cells(start: Tensor, end: Tensor, length: int, patches: int, cells: int) -> Tensor:
    """Index of the map's cell at each patch's center, along one axis; ``cells`` if outside."""
    centers = (torch.arange(patches, device=start.device) + 0.5) * length / patches
    place = (centers - start[:, None]) / (end - start)[:, None] * cells
    inside = (place >= 0) & (place < cells)  # false for NaN
    return torch.where(inside, place, torch.full_like(place, cells)).long()


def _checked(mask_map: Sequence[Sequence[float]]) -> Tensor:
    try:
        rows = [list(row) for row in mask_map]
    except TypeError:  # a number where there should be a list
        rows = []
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        raise UserError('FaceMAE: mask_map has to be rows of equally many weights, such as '
                        '[[1, 3, 1], [1, 1, 1], [1, 2, 1]]')
    for weight in (weight for row in rows for weight in row):
        check_number('FaceMAE', 'each weight of mask_map', weight, positive=True)
    if any(row != row[::-1] for row in rows):
        raise UserError('FaceMAE: each row of mask_map has to be the same from the right as from '
                        'the left, because images are flipped')
    return torch.tensor(rows, dtype=torch.float32, device='cpu')
