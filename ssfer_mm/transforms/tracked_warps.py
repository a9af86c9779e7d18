"""Rotation, shear and translation that remember where every pixel went; see :mod:`.tracking`.

All three are ``cv2.warpAffine`` with a (2, 3) matrix between pixel *indices*, at which pixels have
their centers. In the continuous coordinates of the boxes that point lies half a pixel further, so
the same motion reads ``p -> A (p - 1/2) + t + 1/2``. A box is carried as the hull of its corners:
after a rotation or shear it is larger than the face, but never misses a part of it.
"""
from typing import Tuple

import cv2
import mmcv
import numpy as np
from mmpretrain.datasets.transforms import Rotate, Shear, Translate
from mmpretrain.registry import TRANSFORMS

from .tracking import track


class _TrackedWarp:
    """Draws as mmpretrain's warps do: whether, how far, in which direction."""

    keeps_face_box = True

    def transform(self, results: dict) -> dict:
        if self.random_disable():
            return results
        fixed = self.fixed_amount()
        amount = self.random_negative(self.random_magnitude() if fixed is None else fixed)
        img = results['img']
        matrix = self.index_matrix(amount, img.shape[:2])
        results['img'] = self.warp(img, amount).astype(img.dtype, copy=False)
        return track(results, index_to_continuous(matrix))

    def fixed_amount(self):
        """The amount that the config fixes, or None where it is drawn."""
        return self.magnitude


@TRANSFORMS.register_module()
class TrackedRotate(_TrackedWarp, Rotate):
    """mmpretrain's ``Rotate``, with its arguments, that also updates ``view_matrix``."""

    def fixed_amount(self):
        return self.angle

    def index_matrix(self, angle: float, shape: Tuple[int, int]) -> np.ndarray:
        height, width = shape
        center = self.center or ((width - 1) * 0.5, (height - 1) * 0.5)
        return cv2.getRotationMatrix2D(center, -angle, self.scale)

    def warp(self, img: np.ndarray, angle: float) -> np.ndarray:
        return mmcv.imrotate(img, angle, center=self.center, scale=self.scale,
                             border_value=self.pad_val, interpolation=self.interpolation)


@TRANSFORMS.register_module()
class TrackedShear(_TrackedWarp, Shear):
    """mmpretrain's ``Shear``, with its arguments, that also updates ``view_matrix``."""

    def index_matrix(self, magnitude: float, shape: Tuple[int, int]) -> np.ndarray:
        if self.direction == 'horizontal':
            return np.array([[1., magnitude, 0.], [0., 1., 0.]])
        return np.array([[1., 0., 0.], [magnitude, 1., 0.]])

    def warp(self, img: np.ndarray, magnitude: float) -> np.ndarray:
        return mmcv.imshear(img, magnitude, direction=self.direction, border_value=self.pad_val,
                            interpolation=self.interpolation)


@TRANSFORMS.register_module()
class TrackedTranslate(_TrackedWarp, Translate):
    """mmpretrain's ``Translate``, with its arguments, that also updates ``view_matrix``."""

    def index_matrix(self, magnitude: float, shape: Tuple[int, int]) -> np.ndarray:
        height, width = shape
        if self.direction == 'horizontal':
            return np.array([[1., 0., magnitude * width], [0., 1., 0.]])
        return np.array([[1., 0., 0.], [0., 1., magnitude * height]])

    def warp(self, img: np.ndarray, magnitude: float) -> np.ndarray:
        height, width = img.shape[:2]
        offset = magnitude * (width if self.direction == 'horizontal' else height)
        return mmcv.imtranslate(img, offset, direction=self.direction, border_value=self.pad_val,
                                interpolation=self.interpolation)


def index_to_continuous(matrix: np.ndarray) -> np.ndarray:
    """Turn OpenCV's matrix between pixel indices into one between continuous coordinates.

    Args:
        matrix: (2, 3), as given to ``cv2.warpAffine``.

    Returns:
        float64 (3, 3).

    Example:
        >>> index_to_continuous(np.array([[-1., 0., 47.], [0., 1., 0.]])) @ [0, 7, 1]
        array([48.,  7.,  1.])
    """
    whole = np.eye(3)
    whole[:2] = matrix
    whole[:2, 2] += 0.5 - 0.5 * whole[:2, :2].sum(axis=1)
    return whole
