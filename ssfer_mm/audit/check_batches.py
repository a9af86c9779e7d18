"""Batches of a training of two stages, against the images that there are."""
from numbers import Integral
from typing import List, Mapping

from .findings import ERROR, Finding


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
