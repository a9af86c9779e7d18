"""Pipelines that hand over whole faces, whose views are made later, for the batch."""
from typing import List, Sequence

from ssfer_mm.errors import UserError

from .untracked import inner_transforms

# What the views of a batch do to all faces, and to unlabeled ones alone.
CROPS = (
    'RandomResizedCrop', 'EfficientNetRandomCrop', 'MAERandomResizedCrop', 'RandomCrop',
    'RandomTranslatePad', 'RandomFlip', 'RandomHorizontalFlip', 'WeakStrongViews')
POLICIES = ('RandAugment', 'AutoAugment', 'AugMix', 'TrivialAugmentWide')
PACKING = ('PackFace', 'PackImage', 'PackViews', 'PackUnlabeled')

# What makes the same of an image every time.
FIXED = ('LoadFace', 'Resize', 'ResizeEdge', 'CenterCrop', *PACKING)


def whole_pipeline(pipeline: Sequence[dict], size: int, pack: str) -> List[dict]:
    """The same pipeline without what ``data_preprocessor.views`` does.

    Args:
        pipeline: Transform configs, from loading to packing.
        size: Every face is resized to so many pixels in height and width.
        pack: ``'PackFace'`` or ``'PackUnlabeled'``.

    Example:
        >>> whole_pipeline([dict(type='LoadFace'), dict(type='TrackedRandomFlip'),
        ...                 dict(type='PackFace')], 48, 'PackFace')[1]
        {'type': 'TrackedResize', 'scale': (48, 48)}
    """
    if isinstance(pipeline, dict):  # the dataset will say that it should be a list
        return pipeline
    repeated = (*CROPS, *POLICIES) if pack == 'PackUnlabeled' else CROPS
    left_out = (*repeated, *PACKING)
    return [*(step for step in pipeline if _name(step) not in left_out),
            dict(type='TrackedResize', scale=(size, size)), dict(type=pack)]


def check_whole(labeled_pipeline: Sequence, unlabeled_pipeline: Sequence) -> bool:
    """Where unlabeled faces are packed whole, for ``data_preprocessor.views``, none may be cropped.

    Args:
        labeled_pipeline: Transform configs.
        unlabeled_pipeline: Transform configs; nothing is checked unless they end in
            ``PackUnlabeled``.

    Returns:
        Whether they do.

    Raises:
        UserError: A transform would be applied to the faces a second time.

    Example:
        >>> check_whole([dict(type='LoadFace'), dict(type='PackFace')],
        ...             [dict(type='LoadFace'), dict(type='PackUnlabeled')])
        True
    """
    steps = () if isinstance(unlabeled_pipeline, dict) else unlabeled_pipeline
    if not steps or _name(steps[-1]) != 'PackUnlabeled':
        return False
    for source, pipeline, repeated in (('labeled', labeled_pipeline, CROPS),
                                       ('unlabeled', unlabeled_pipeline, (*CROPS, *POLICIES))):
        for step in pipeline:
            for twice in (own for own in (step, *inner_transforms(step))
                          if _name(own) in repeated):
                raise UserError(
                    'unlabeled_pipeline ends in PackUnlabeled, so data_preprocessor.views makes '
                    f'the views of all faces, but {source}_pipeline has {_name(twice)}: leave '
                    'it out, or end unlabeled_pipeline in WeakStrongViews and PackViews')
    return True


def check_fixed(pipeline: Sequence) -> None:
    """Only what makes the same of an image in every epoch may be kept.

    Args:
        pipeline: Transform configs.

    Raises:
        UserError: A transform may draw something.
    """
    for step in pipeline:
        if _name(step) not in FIXED:
            raise UserError(f'keep_gb keeps items for all epochs, but {_name(step)} may make '
                            'others each time: leave it out, or set keep_gb to 0')


def _name(step: object) -> str:
    """The bare name of a transform (config), the same with tracking and without, of mmcv and of
    torchvision."""
    kind = step.get('type', '') if isinstance(step, dict) else type(step)
    name = str(getattr(kind, '__name__', kind)).split('.')[-1].split('/')[-1]
    return name.removeprefix('Tracked')
