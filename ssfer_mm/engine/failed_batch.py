"""A batch that made the loss or the gradients non-finite, as a file that can be looked into."""
import os.path as osp
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Union

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from mmpretrain.structures import DataSample
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.images.name import name_of
from ssfer_mm.safe_loading import load_checkpoint_safely

from .exact_resume_hook import seed_all

FORMAT = 'ssfer_mm failed batch 2'
SAMPLE = 'data sample'


def failed_batch_name(iteration: int, rank: int) -> str:
    """What the file of one process is called."""
    return f'nonfinite_iter_{iteration}_rank{rank}.pth'


def weights_name(iteration: int) -> str:
    """What the file with the weights that met the batch is called."""
    return f'nonfinite_iter_{iteration}_weights.pth'


def save_file(path: str, content: dict) -> None:
    """Write a dict of tensors and plain values; the file appears complete or not at all."""
    with atomic_write(path, 'wb', sync=True) as file:
        torch.save(content, file)


def load_failed_batch(path: str) -> dict:
    """Read what :class:`NumericsHook` kept, without running anything that is in it.

    Returns:
        ``iteration`` and ``epoch`` (from 0), ``rank``, ``seed``, ``ids``, ``losses``,
        ``grad_norm``, ``batches`` (as the data loader gave them; several where gradients were
        accumulated), ``rng`` (the generators' states before each), ``precision``,
        ``class_counts`` (labeled images per class, or None), ``config`` (text), ``weights`` (path
        of a checkpoint, or None).

    Raises:
        UserError: It is no such file, or a damaged one.
    """
    content = load_checkpoint_safely(path)
    try:
        if content['format'] != FORMAT:
            raise KeyError('format')
        batches = [restored(batch) for batch in content['batches']]
        rng = [dict(state) for state in content['rng']]
        if not batches or len(rng) != len(batches):
            raise ValueError('no batch')
        weights = content['weights']
        if weights is not None:
            weights = osp.join(osp.dirname(osp.abspath(path)), osp.basename(weights))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f'{path} holds no batch that a run kept ({type(error).__name__}: {error}); '
                        f'expected a file named like {failed_batch_name(120, 0)}') from error
    return dict(content, batches=batches, rng=rng, weights=weights)


def config_beside(path: str, text: str) -> Optional[Path]:
    """The run's own copy of its config, beside its batch, if one there still has this text."""
    return next((file for file in sorted(Path(path).parent.glob('*.py'))
                 if file.read_text(encoding='utf-8', errors='replace') == text), None)


# ---- batches as plain values --------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A batch of any nesting as tensors and plain values, which load without unpickling code."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, BaseDataElement):
        return {SAMPLE: type(value).__name__, 'metainfo': plain(dict(value.metainfo_items())),
                'data': plain(dict(value.items()))}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return str(value)  # an ImageName is a class of ours, which would not load
    return value if isinstance(value, (int, float, bool, type(None))) else repr(value)


def restored(value: Any) -> Any:
    """The batch of :func:`plain`; every data sample comes back as mmpretrain's ``DataSample``."""
    if isinstance(value, dict) and SAMPLE in value:
        sample = DataSample(metainfo=value['metainfo'])
        for name, item in value['data'].items():
            sample.set_field(restored(item), name)
        return sample
    if isinstance(value, dict):
        return {key: restored(item) for key, item in value.items()}
    return [restored(item) for item in value] if isinstance(value, list) else value


def sample_ids(batch: Any) -> List[str]:
    """What the images of a batch are called: their ids, or else their files."""
    return [name_of(sample) for sample in _samples(batch)]


def _samples(value: Any) -> Iterator[Union[BaseDataElement, str]]:
    if isinstance(value, (BaseDataElement, str)):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _samples(item)


# ---- random number generators -------------------------------------------------------------------


def rng_states(*place: int) -> Dict[str, Any]:
    """Where Python's, NumPy's, torch's and the current GPU's generators stand.

    Args:
        place: What :func:`seed_all` has just been called with, if it has. Noting that is free,
            while reading NumPy's generator takes 0.3 ms.
    """
    if place:
        return dict(place=list(place))
    return dict(python=random.getstate(), numpy=np.random.get_state(), torch=torch.get_rng_state(),
                cuda=torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None)


def set_rng_states(states: Dict[str, Optional[Any]]) -> None:
    """Put the generators where :func:`rng_states` found them."""
    if 'place' in states:
        seed_all(*states['place'])
        return
    version, numbers, gauss = states['python']
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(tuple(states['numpy']))
    torch.set_rng_state(states['torch'])
    if states.get('cuda') is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'])
