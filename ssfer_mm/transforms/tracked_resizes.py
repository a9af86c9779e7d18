"""Resizes and flips that remember where every pixel came from; see :mod:`.tracking`.

mmcv's ``RandomResize`` and ``RandomChoiceResize`` are tracked with ``resize_type='TrackedResize'``.
mmcv's ``Pad`` needs no tracked twin: it pads at the right and at the bottom, which moves nothing.
"""
from typing import Sequence, Union

from mmcv.transforms import RandomFlip, Resize
from mmpretrain.datasets.transforms import ResizeEdge
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.faces.boxes import crop_resize_matrix, flip_matrix

from .tracking import track


@TRANSFORMS.register_module()
class TrackedRandomFlip(RandomFlip):
    """mmcv's ``RandomFlip`` that also updates ``view_matrix``.

    Args:
        prob: Probability of a flip; or one per direction.
        direction: ``horizontal``, ``vertical`` or ``diagonal``; or a list of these.
    """

    keeps_face_box = True

    def __init__(self,
                 prob: Union[float, Sequence[float]] = 0.5,
                 direction: Union[str, Sequence[str]] = 'horizontal') -> None:
        super().__init__(
            prob=list(map(float, prob)) if isinstance(prob, Sequence) else float(prob),
            direction=direction if isinstance(direction, str) else list(direction))

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        if not results['flip']:
            return results
        height, width = results['img'].shape[:2]
        return track(results, flip_matrix(width, height, str(results['flip_direction'])))


@TRANSFORMS.register_module()
class TrackedResize(Resize):
    """mmcv's ``Resize`` that also updates ``view_matrix``.

    Args:
        scale: Output size: an int (a square), or (width, height).
        keep_ratio: Fit into ``scale`` instead of stretching to it.
        interpolation: ``nearest``, ``bilinear``, ``bicubic``, ``area`` or ``lanczos``.
        backend: ``cv2`` or ``pillow``.
    """

    keeps_face_box = True

    def __init__(self,
                 scale,
                 keep_ratio: bool = False,
                 interpolation: str = 'bilinear',
                 backend: str = 'cv2') -> None:
        scale = scale if isinstance(scale, int) else tuple(scale)
        super().__init__(
            scale=scale, keep_ratio=keep_ratio, interpolation=interpolation, backend=backend)

    def transform(self, results: dict) -> dict:
        before = results['img'].shape
        return _track_resize(super().transform(results), before)


@TRANSFORMS.register_module()
class TrackedResizeEdge(ResizeEdge):
    """mmpretrain's ``ResizeEdge``, with its arguments, that also updates ``view_matrix``."""

    keeps_face_box = True

    def transform(self, results: dict) -> dict:
        before = results['img'].shape
        return _track_resize(super().transform(results), before)


def _track_resize(results: dict, before: Sequence[int]) -> dict:
    h, w = before[:2]
    out_h, out_w = results['img'].shape[:2]
    return track(results, crop_resize_matrix(0, 0, w, h, out_w, out_h))
