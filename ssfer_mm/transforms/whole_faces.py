"""Refuse, before training, pipelines that augment what is augmented again on the device."""
from typing import Sequence

from ssfer_mm.errors import UserError

# What the views of a batch do.
REPEATED = ('RandomResizedCrop', 'RandomCrop', 'RandomFlip', 'RandAugment', 'WeakStrongViews')


def check_whole(labeled_pipeline: Sequence, unlabeled_pipeline: Sequence) -> None:
    """Where unlabeled faces are packed whole, for ``data_preprocessor.views``, none may be cropped.

    Args:
        labeled_pipeline: Transform configs.
        unlabeled_pipeline: Transform configs; nothing is checked unless they end in
            ``PackUnlabeled``.

    Raises:
        UserError: A transform would be applied to the faces a second time.

    Example:
        >>> check_whole([dict(type='LoadFace'), dict(type='PackFace')],
        ...             [dict(type='LoadFace'), dict(type='PackUnlabeled')])
    """
    if not unlabeled_pipeline or _name(unlabeled_pipeline[-1]) != 'PackUnlabeled':
        return
    for source, pipeline in (('labeled', labeled_pipeline), ('unlabeled', unlabeled_pipeline)):
        for step in pipeline:
            name = _name(step)
            if name.removeprefix('Tracked') in REPEATED:
                raise UserError(
                    f'unlabeled_pipeline ends in PackUnlabeled, so the views of all faces are made '
                    f'by data_preprocessor.views, but {source}_pipeline has {name}: leave it out, '
                    'or end unlabeled_pipeline in WeakStrongViews and PackViews')


def _name(step: object) -> str:
    kind = step.get('type', '') if isinstance(step, dict) else type(step)
    return str(getattr(kind, '__name__', kind)).split('.')[-1]
