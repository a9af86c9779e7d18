"""Refuse, before training, a pipeline in which a face box would drift off the face."""
from typing import List, Sequence, Tuple, Union

from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError

from .tracked_policies import tracked_policies

# Transforms that move pixels without saying so, and what to write instead.
NO_TWIN = 'leave it out, or set boxes=None'
UNTRACKED = {
    **{name: f'use Tracked{name}' for name in (
        'RandomResizedCrop', 'RandomCrop', 'CenterCrop', 'Resize', 'ResizeEdge', 'RandomFlip',
        'Rotate', 'Shear', 'Translate', 'RandAugment', 'AutoAugment')},
    'EfficientNetRandomCrop': 'use TrackedRandomResizedCrop',
    'MAERandomResizedCrop': 'use TrackedRandomResizedCrop',
    'RandomResizedCropAndInterpolationWithTwoPic': 'use TrackedRandomResizedCrop',
    'EfficientNetCenterCrop': 'use TrackedResizeEdge and TrackedCenterCrop',
    'RandomResize': "give it resize_type='TrackedResize'",
    'RandomChoiceResize': "give it resize_type='TrackedResize'",
    'RandomHorizontalFlip': 'use TrackedRandomFlip',
    'RandomVerticalFlip': "use TrackedRandomFlip(direction='vertical')",
    'RandomRotation': 'use TrackedRotate',
    'RandomAffine': 'use TrackedRotate, TrackedShear and TrackedTranslate',
    'TrivialAugmentWide': 'use TrackedRandAugment(num_policies=1)',
    'AugMix': 'use TrackedRandAugment',
    'torchvision/Pad': 'use Pad, which adds pixels at the right and at the bottom only',
    **dict.fromkeys(('RandomTranslatePad', 'Albumentations', 'AlbuKeypoint', 'RandomPerspective',
                     'ElasticTransform', 'FiveCrop', 'TenCrop', 'MultiView', 'TestTimeAug',
                     'MultiScaleFlipAug', 'Transpose'), NO_TWIN),
}
# Stock transforms that leave every pixel where it is. mmcv's Pad adds pixels at the right and at
# the bottom only.
STILL = frozenset((
    'LoadImageFromFile', 'LoadAnnotations', 'Normalize', 'Pad', 'Collect', 'PackInputs',
    'NumpyToPIL', 'PILToNumpy', 'ToTensor', 'ImageToTensor', 'RandomErasing', 'Cutout',
    'ColorJitter', 'Lighting', 'Grayscale', 'RandomGrayscale', 'GaussianBlur', 'AutoContrast',
    'Invert', 'Equalize', 'Solarize', 'SolarizeAdd', 'Posterize', 'Contrast', 'ColorTransform',
    'Brightness', 'Sharpness', 'RandomInvert', 'RandomPosterize', 'RandomSolarize',
    'RandomAdjustSharpness', 'RandomAutocontrast', 'RandomEqualize'))
# Transforms that do nothing but call others, and the keys under which those are found.
WRAPPERS = frozenset((
    'Compose', 'RandomApply', 'RandomChoice', 'KeyMapper', 'TransformBroadcaster', 'ApplyToList',
    'RandAugment', 'AutoAugment', 'WeakStrongViews'))
NESTED_KEYS = ('transforms', 'policies', 'weak', 'strong')


def check_tracked(pipeline: Sequence) -> None:
    """Refuse a pipeline in which a face box would silently drift off the face.

    Stock transforms are known by name, those inside ``RandomApply``, ``RandomChoice``,
    ``WeakStrongViews`` and other wrappers included. A transform of your own must say that it is
    safe, with the class attribute ``keeps_face_box = True``: either because it leaves every pixel
    in its place, or because it calls :func:`ssfer_mm.transforms.track` with its matrix. One that
    says nothing is refused, for a wrong box is never noticed.

    Args:
        pipeline: Transform configs, or built transforms.

    Raises:
        UserError: A transform moves pixels without updating ``view_matrix``; its replacement is
            named. Or nothing is known about it.

    Example:
        >>> check_tracked([dict(type='LoadFace'), dict(type='TrackedRandomFlip')])
    """
    for step in pipeline:
        name, cls = _name_and_class(step)
        inner = inner_transforms(step)
        if name in WRAPPERS and (inner or name not in UNTRACKED):
            check_tracked(inner)
        elif getattr(cls, 'keeps_face_box', False):
            check_tracked(_untracked_policies(name, inner))
        elif name in UNTRACKED and not _resizes_tracked(step):
            raise UserError(f'{name} moves pixels without moving the face box, and this pipeline '
                            f'uses face boxes: {UNTRACKED[name]}')
        elif cls is not None and name not in STILL | UNTRACKED.keys():
            raise UserError(f'{name} is not known to keep the face box on the face, and this '
                            'pipeline uses face boxes: write keeps_face_box = True into its class '
                            'if it moves no pixels (or calls ssfer_mm.transforms.track), or set '
                            'boxes=None')


def inner_transforms(step: object) -> List:
    """The transforms inside a wrapper, lists in lists made flat."""
    found = []
    for key in NESTED_KEYS:
        found += _flat(step.get(key) if isinstance(step, dict) else getattr(step, key, None))
    return found


def packs_face_box(pipeline: Sequence) -> bool:
    """Whether a pipeline's items carry the face box to the model."""
    return any(_name_and_class(step)[0] == 'PackFace' for step in pipeline)


def _name_and_class(step: object) -> Tuple[str, object]:
    """The bare name of a transform (config) and what is behind it: a class or a function.

    Torchvision's keep their scope where mmcv has another transform of that name. None is behind a
    name that is not registered; building the pipeline will say so.
    """
    kind = step.get('type', '') if isinstance(step, dict) else step
    if isinstance(kind, str):
        name = kind.split('.')[-1]
        return name if name in UNTRACKED else name.split('/')[-1], TRANSFORMS.get(kind)
    cls = kind if hasattr(kind, '__name__') else type(kind)
    return cls.__name__, cls


def _flat(steps: Union[object, Sequence]) -> List:
    if steps is None or isinstance(steps, str):
        return []
    if isinstance(steps, (list, tuple)):
        return [step for group in steps for step in _flat(group)]
    return [steps]


def _untracked_policies(name: str, inner: List) -> List:
    """What is still to be checked inside a tracked transform."""
    if name in ('TrackedRandAugment', 'TrackedAutoAugment'):
        return [tracked_policies([step])[0] if isinstance(step, dict) else step for step in inner]
    return inner


def _resizes_tracked(step: object) -> bool:
    """Whether this is one of mmcv's random resizes around a tracked resize."""
    if isinstance(step, dict):
        resize = step.get('resize_type')
        return resize is not None and getattr(TRANSFORMS.get(resize), 'keeps_face_box', False)
    return getattr(getattr(step, 'resize', None), 'keeps_face_box', False)
