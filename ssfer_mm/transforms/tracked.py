"""Crops, flips and resizes that remember where every pixel came from.

Each multiplies its own matrix from the left onto ``results['view_matrix']`` (raw-image pixels ->
view pixels), so that a face box found once on the raw image can be carried into any view. The
pixels are exactly those of the stock transform for the same numpy random state.
"""
from typing import Sequence

import mmcv
import numpy as np
from mmcv.transforms import RandomFlip, Resize
from mmpretrain.datasets.transforms import RandomResizedCrop
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import crop_resize_matrix, flip_matrix

# Transforms that move pixels without saying so, and what to write instead.
NO_REPLACEMENT = 'leave it out or set boxes=None'
UNTRACKED = {
    'RandomResizedCrop': 'use TrackedRandomResizedCrop',
    'EfficientNetRandomCrop': 'use TrackedRandomResizedCrop',
    'MAERandomResizedCrop': 'use TrackedRandomResizedCrop',
    'RandomResizedCropAndInterpolationWithTwoPic': 'use TrackedRandomResizedCrop',
    'RandomCrop': 'use TrackedRandomResizedCrop',
    'CenterCrop': 'use TrackedResize',
    'EfficientNetCenterCrop': 'use TrackedResize',
    'Resize': 'use TrackedResize',
    'ResizeEdge': 'use TrackedResize(keep_ratio=True)',
    'RandomResize': 'use TrackedRandomResizedCrop',
    'RandomChoiceResize': 'use TrackedRandomResizedCrop',
    'RandomFlip': 'use TrackedRandomFlip',
    'RandomHorizontalFlip': 'use TrackedRandomFlip',
    'RandomVerticalFlip': "use TrackedRandomFlip(direction='vertical')",
    'AutoAugment': 'use RandAugment with a list of colour policies',
    'RandAugment': 'use RandAugment with a list of colour policies',
    'TrivialAugmentWide': 'use RandAugment with a list of colour policies',
    'AugMix': 'use RandAugment with a list of colour policies',
    **dict.fromkeys(('Pad', 'RandomTranslatePad', 'Rotate', 'Shear', 'Translate', 'Albumentations',
                     'AlbuKeypoint', 'RandomRotation', 'RandomAffine', 'RandomPerspective',
                     'ElasticTransform', 'FiveCrop', 'TenCrop', 'MultiView', 'TestTimeAug',
                     'MultiScaleFlipAug'), NO_REPLACEMENT),
}
# Where the configs of other transforms may hide inside a transform's config.
NESTED_KEYS = ('transforms', 'policies', 'weak', 'strong')


@TRANSFORMS.register_module()
class TrackedRandomResizedCrop(RandomResizedCrop):
    """mmpretrain's ``RandomResizedCrop`` that also updates ``view_matrix``.

    Args:
        scale: Output size: an int, or (height, width).
        crop_ratio_range: Range of the crop's share of the image's area. METHOD.md: 0.2 to 1.
        aspect_ratio_range: Range of the crop's width / height relative to a square.
        max_attempts: Draws before it falls back to a central crop.
        interpolation: ``nearest``, ``bilinear``, ``bicubic``, ``area`` or ``lanczos``.
        backend: ``cv2`` or ``pillow``.
    """

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
        return _track(results, crop_resize_matrix(x0, y0, w, h, out_w, out_h))


@TRANSFORMS.register_module()
class TrackedRandomFlip(RandomFlip):
    """mmcv's ``RandomFlip`` that also updates ``view_matrix``.

    Args:
        prob: Probability of a flip.
        direction: ``horizontal``, ``vertical`` or ``diagonal``.
    """

    def __init__(self, prob: float = 0.5, direction: str = 'horizontal') -> None:
        super().__init__(prob=float(prob), direction=direction)

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        if not results['flip']:
            return results
        height, width = results['img'].shape[:2]
        return _track(results, flip_matrix(width, height, str(results['flip_direction'])))


@TRANSFORMS.register_module()
class TrackedResize(Resize):
    """mmcv's ``Resize`` that also updates ``view_matrix``.

    Args:
        scale: Output size: an int (a square), or (width, height).
        keep_ratio: Fit into ``scale`` instead of stretching to it.
        interpolation: ``nearest``, ``bilinear``, ``bicubic``, ``area`` or ``lanczos``.
        backend: ``cv2`` or ``pillow``.
    """

    def __init__(self,
                 scale,
                 keep_ratio: bool = False,
                 interpolation: str = 'bilinear',
                 backend: str = 'cv2') -> None:
        scale = scale if isinstance(scale, int) else tuple(scale)
        super().__init__(
            scale=scale, keep_ratio=keep_ratio, interpolation=interpolation, backend=backend)

    def transform(self, results: dict) -> dict:
        h, w = results['img'].shape[:2]
        results = super().transform(results)
        out_h, out_w = results['img'].shape[:2]
        return _track(results, crop_resize_matrix(0, 0, w, h, out_w, out_h))


def check_tracked(pipeline: Sequence[dict]) -> None:
    """Refuse a pipeline in which a face box would silently drift off the face.

    Args:
        pipeline: Transform configs (or built transforms), nested ones included.

    Raises:
        UserError: A transform moves pixels without updating ``view_matrix``; its replacement is
            named.

    Example:
        >>> check_tracked([dict(type='LoadFace'), dict(type='TrackedRandomFlip')])
    """
    for step in pipeline:
        kind = step.get('type', '') if isinstance(step, dict) else type(step)
        name = kind if isinstance(kind, str) else kind.__name__
        name = name.split('.')[-1].split('/')[-1]
        inner = [step[key] for key in NESTED_KEYS
                 if isinstance(step, dict) and isinstance(step.get(key), (list, tuple))]
        if name in UNTRACKED and not inner:
            raise UserError(f'{name} moves pixels without moving the face box, and this pipeline '
                            f'uses face boxes: {UNTRACKED[name]}')
        for steps in inner:
            # RandomChoice and AutoAugment hold lists of lists.
            for group in steps:
                check_tracked(group if isinstance(group, (list, tuple)) else [group])


def _track(results: dict, matrix: np.ndarray) -> dict:
    before = results.get('view_matrix')
    results['view_matrix'] = matrix if before is None else matrix @ before
    return results
