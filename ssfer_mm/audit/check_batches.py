"""Batches of a training, against the images that there are."""
from numbers import Integral
from typing import List, Mapping

from .findings import ERROR, Finding

# Loops that count epochs, of which one without a whole batch would be empty.
EPOCHS = ('ResumableTrainLoop', 'EpochBasedTrainLoop')
PRETRAIN_HINT = 'run_ssfer.py: in --pretrain-options'


def check_batches(loader: Mapping, stages: Mapping, labeled: int, unlabeled: int) -> List[Finding]:
    """Batches larger than their data, with which training does not begin.

    Args:
        loader: The config's ``train_dataloader``.
        stages: Its ``train_cfg``; of another loop than ``TwoStageTrainLoop`` nothing is known.
        labeled: How many labeled images there are.
        unlabeled: How many others.
    """
    if stages.get('type') != 'TwoStageTrainLoop':
        return []
    supervised, semi = (stages.get(name) or {} for name in ('supervised', 'semi'))
    wanted = [('labeled', supervised, loader.get('batch_size'), labeled,
               'train_dataloader.batch_size'),
              ('labeled', semi, semi.get('labeled'), labeled, 'train_cfg.semi.labeled'),
              ('unlabeled', semi, semi.get('unlabeled'), unlabeled, 'train_cfg.semi.unlabeled')]
    return [Finding(ERROR, 'batch', name, f'a batch wants {count} {name} images, but the data have '
                    f'only {size}: training refuses', f'Lower {setting}, or use a larger {name} '
                    'set.')
            for name, stage, count, size, setting in wanted
            if stage.get('epochs') and isinstance(count, Integral) and count > size]


def check_epoch(loader: Mapping, loop: Mapping, name: str, images: int) -> List[Finding]:
    """A batch larger than all data of a training with a single loader, as stage I is.

    Several processes share a batch out, so that they refuse larger sets, too: nothing is known of
    them here.

    Args:
        loader: The config's ``train_dataloader``; only one with ``drop_last`` leaves such a batch
            out.
        loop: Its ``train_cfg``; of one that counts iterations nothing is wrong.
        name: Of the part of the data.
        images: How many there are.
    """
    kind = loop.get('type', 'EpochBasedTrainLoop' if loop.get('by_epoch') else None)
    size = loader.get('batch_size')
    if kind not in EPOCHS or not loader.get('drop_last') or not isinstance(size, Integral) or (
            size <= images):
        return []
    return [Finding(ERROR, 'batch', name, f'a batch wants {size} images, but the data have only '
                    f'{images}: training refuses', 'Lower train_dataloader.batch_size '
                    f'({PRETRAIN_HINT}), or use more images.')]
