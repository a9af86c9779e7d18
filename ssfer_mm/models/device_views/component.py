"""Weak and strong views of a batch of whole faces, made on the device of the model."""
import inspect
import math
from typing import Dict, Optional, Sequence, Tuple

import torch
from mmpretrain.registry import BATCH_AUGMENTS
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from .crops import Crops, cut, draw_crops, join, move_boxes
from .rand_augment import BatchRandAugment


@BATCH_AUGMENTS.register_module()
class DeviceViews:
    """What the pipelines of stages II and III do to one face at a time, for whole batches.

    An argument of :class:`SSFERDataPreprocessor`. A weak view is a random resized crop, flipped or
    not; a strong one is another, with RandAugment. The distributions are those of
    ``TrackedRandomResizedCrop``, ``TrackedRandomFlip`` and mmpretrain's ``RandAugment``.

    Whatever is random is drawn on the host, from torch's generator: the same views on every
    device, a resumed run that sees what it would have seen, and no waiting for a GPU.

    Args:
        size: Of the views, in pixels.
        crop_ratio_range: Range of the crop's share of the image's area. The paper: 0.2 to 1.
        weak_crop_ratio_range: The same for the weak views of unlabeled faces, which the
            pseudo-labels are made from; None: like all others, as in the paper.
        weak_views: Of each unlabeled face. A pseudo-label comes from the mean of what the teacher
            makes of them, as in MixMatch (arXiv 1905.02249); the paper: 1.
        aspect_ratio_range: Range of the crop's width / height.
        max_attempts: Draws of a crop's size before it falls back to a central crop.
        flip_prob: Probability that a view is mirrored.
        rand_augment: Arguments of :class:`BatchRandAugment` for strong views; None means its
            defaults, the paper's. ``num_policies=0`` is none at all.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self,
                 size: int,
                 crop_ratio_range: Sequence[float] = (0.2, 1.0),
                 aspect_ratio_range: Sequence[float] = (3. / 4., 4. / 3.),
                 max_attempts: int = 10,
                 flip_prob: float = 0.5,
                 weak_crop_ratio_range: Optional[Sequence[float]] = None,
                 weak_views: int = 1,
                 rand_augment: Optional[dict] = None) -> None:
        check_number('DeviceViews', 'size', size, low=2, whole=True)
        check_number('DeviceViews', 'weak_views', weak_views, low=1, whole=True)
        check_number('DeviceViews', 'max_attempts', max_attempts, whole=True)
        check_number('DeviceViews', 'flip_prob', flip_prob, high=1)
        weak_crop_ratio_range = weak_crop_ratio_range or crop_ratio_range
        _check_bounds('crop_ratio_range', crop_ratio_range, 1)
        _check_bounds('weak_crop_ratio_range', weak_crop_ratio_range, 1)
        _check_bounds('aspect_ratio_range', aspect_ratio_range, math.inf)
        self.size = size
        self.weak_views = weak_views
        self.cropping = dict(
            crop_ratio_range=tuple(crop_ratio_range), aspect_ratio_range=tuple(aspect_ratio_range),
            max_attempts=max_attempts, flip_prob=flip_prob)
        self.weak_cropping = dict(
            self.cropping, crop_ratio_range=tuple(weak_crop_ratio_range))
        self.rand_augment = _rand_augment(rand_augment)

    def labeled(self, faces: Tensor) -> Tuple[Tensor, Crops]:
        """Weak views of labeled faces.

        Args:
            faces: uint8 (B, 3, H, W), BGR, on any device.

        Returns:
            The views, float32 (B, 3, size, size), whole numbers in 0-255; and where they lie.
        """
        crops = draw_crops(len(faces), tuple(faces.shape[-2:]), **self.cropping)
        with _full_precision(faces):
            return cut(faces, crops, self.size), crops

    def move_boxes(self, boxes: Tensor, crops: Crops) -> Tensor:
        """Face boxes (B, 4) in pixels of the faces -> in pixels of the views that lie there."""
        return move_boxes(boxes, crops, self.size)

    def unlabeled(self, faces: Tensor) -> Dict[str, Tensor]:
        """Views of unlabeled faces (N, 3, H, W); otherwise as :meth:`labeled`.

        Returns:
            ``weak`` (``weak_views`` * N, 3, size, size): the first view of every face, then the
            second of every face, and so on; and ``strong`` (N, 3, size, size).
        """
        count, shape = len(faces), tuple(faces.shape[-2:])
        crops = join(*(draw_crops(count, shape, **self.weak_cropping)
                       for _ in range(self.weak_views)),
                     draw_crops(count, shape, **self.cropping))
        layers = self.rand_augment.draw(count) if self.rand_augment else ()
        with _full_precision(faces):
            views = cut(faces.repeat(self.weak_views + 1, 1, 1, 1), crops, self.size)
            weak, strong = views[:-count], views[-count:]
            if layers:
                self.rand_augment.apply(strong, layers)
        return dict(weak=weak, strong=strong)


def _check_bounds(name: str, bounds: object, high: float) -> None:
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        raise UserError(f'DeviceViews: {name} is (low, high), got {bounds!r}')
    for number in bounds:
        check_number('DeviceViews', f'each of {name}', number, high=high, positive=True)
    if bounds[0] > bounds[1]:
        raise UserError(f'DeviceViews: {name} is (low, high), got {bounds!r}')


def _rand_augment(settings: Optional[dict]) -> Optional[BatchRandAugment]:
    """RandAugment with these settings; None where it is to do nothing."""
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        raise UserError("DeviceViews: rand_augment is a dict of settings, or None for the paper's, "
                        f'got {settings!r}; for none at all, set rand_augment.num_policies=0')
    taken = inspect.signature(BatchRandAugment).parameters
    for name in settings:
        if name not in taken:
            raise UserError(f'DeviceViews: rand_augment has no setting {name!r}; it takes '
                            f'{", ".join(taken)}')
    return None if settings.get('num_policies') == 0 else BatchRandAugment(**settings)


def _full_precision(faces: Tensor) -> torch.autocast:
    """In mixed precision the preprocessor runs under autocast; pixels need all their digits."""
    return torch.autocast(faces.device.type, enabled=False)
