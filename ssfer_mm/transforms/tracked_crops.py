"""Crops that remember where every pixel came from; see :mod:`.tracking`."""
import math
from typing import Sequence

import mmcv
import numpy as np
from mmcv.transforms import CenterCrop
from mmpretrain.datasets.transforms import RandomCrop, RandomResizedCrop
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.faces.boxes import crop_resize_matrix

from .tracking import shift_matrix, track


@TRANSFORMS.register_module()
class TrackedRandomResizedCrop(RandomResizedCrop):
    """mmpretrain's ``RandomResizedCrop`` that also updates ``view_matrix``.

    Args:
        scale: Output size: an int, or (height, width).
        crop_ratio_range: Range of the crop's share of the image's area. The paper: 0.2 to 1.
        aspect_ratio_range: Range of the crop's width / height.
        max_attempts: Draws before it falls back to a central crop.
        interpolation: ``nearest``, ``bilinear``, ``bicubic``, ``lanczos``, or with cv2 ``area``.
        backend: ``cv2`` or ``pillow``.
    """

    keeps_face_box = True

    def __init__(self,
                 scale,
                 crop_ratio_range: Sequence[float] = (0.2, 1.0),
                 aspect_ratio_range: Sequence[float] = (3. / 4., 4. / 3.),
                 max_attempts: int = 10,
                 interpolation: str = 'bicubic',
                 backend: str = 'cv2') -> None:
        super().__init__(
            scale=scale,
            crop_ratio_range=tuple(crop_ratio_range),
            aspect_ratio_range=tuple(aspect_ratio_range),
            max_attempts=max_attempts,
            interpolation=interpolation,
            backend=backend)

    def transform(self, results: dict) -> dict:
        img = results['img']
        y0, x0, h, w = self.rand_crop_params(img)
        out_h, out_w = self.scale
        results['img'] = mmcv.imresize(
            img[y0:y0 + h, x0:x0 + w], (out_w, out_h),
            interpolation=self.interpolation,
            backend=self.backend)
        results['img_shape'] = (out_h, out_w)
        return track(results, crop_resize_matrix(x0, y0, w, h, out_w, out_h))


@TRANSFORMS.register_module()
class TrackedCenterCrop(CenterCrop):
    """mmcv's ``CenterCrop``, with its arguments, that also updates ``view_matrix``.

    Where ``auto_pad`` pads, it does so at the right and at the bottom, which moves nothing.
    """

    keeps_face_box = True

    def _crop_img(self, results: dict, bboxes: np.ndarray) -> None:
        super()._crop_img(results, bboxes)
        track(results, shift_matrix(-bboxes[0], -bboxes[1]))


@TRANSFORMS.register_module()
class TrackedRandomCrop(RandomCrop):
    """mmpretrain's ``RandomCrop``, with its arguments, that also updates ``view_matrix``."""

    keeps_face_box = True

    def transform(self, results: dict) -> dict:
        img, left, top = results['img'], 0, 0
        if self.padding is not None:
            img = mmcv.impad(img, padding=self.padding, pad_val=self.pad_val)
            left, top = (self.padding[:2] if isinstance(self.padding, Sequence) else
                         (self.padding, self.padding))
        if self.pad_if_needed:
            target_h, target_w = self.crop_size
            more_h = math.ceil(max(0, target_h - img.shape[0]) / 2)
            more_w = math.ceil(max(0, target_w - img.shape[1]) / 2)
            img = mmcv.impad(img, padding=(more_w, more_h, more_w, more_h), pad_val=self.pad_val,
                             padding_mode=self.padding_mode)
            left, top = left + more_w, top + more_h
        y0, x0, h, w = self.rand_crop_params(img)
        results['img'] = img[y0:y0 + h, x0:x0 + w]
        results['img_shape'] = (h, w)
        return track(results, shift_matrix(left - x0, top - y0))
