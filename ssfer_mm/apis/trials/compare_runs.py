"""Are two trainings the same, bit for bit, but for the clock?"""
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Union

import numpy as np
import torch

from ssfer_mm.apis.training.report import read_scalars
from ssfer_mm.errors import UserError
from ssfer_mm.safe_loading import load_checkpoint_safely

# What the clock, the place and the machine decide; the last part of a dotted name.
NOT_THE_RUN = {'time', 'data_time', 'eta', 'memory', 'seconds', 'stage_report', 'cfg',
               'experiment_name', 'mmengine_version', 'last_ckpt', 'keep_ckpt_ids'}
MISSING = object()


def compare_runs(one: Union[str, Path], other: Union[str, Path]) -> List[str]:
    """Differences between two work dirs, a line each; empty means that they are the same run.

    Compared are all checkpoints and exported classifiers (weights, teacher, optimizer, schedules,
    log buffers), every line of the scalar logs, and ``stages.json``; not times, nor paths. Of a
    step that was logged twice, because the run was interrupted, every line must agree. An
    ``iter_N.pth`` that only one of them has is no difference: the clock and interruptions choose
    when these are written.

    Raises:
        UserError: They have no checkpoint in common, so that nothing could differ.
    """
    one, other = Path(one), Path(other)
    names = [{path.name for path in run.glob('*.pth')} for run in (one, other)]
    if not all(name.startswith('iter_') for name in names[0] ^ names[1]):
        return [f'files: {sorted(names[0])} and {sorted(names[1])}']
    both = sorted(names[0] & names[1])
    if not both:
        raise UserError(f'{one} and {other} hold no checkpoint (.pth) that both have, so nothing '
                        'can be compared: let the runs save one, or correct the paths')
    differences = []
    for name in both:
        pair = (load_checkpoint_safely(run / name) for run in (one, other))
        differences += [f'{name}: {line}' for line in compare_values(*pair)]
    stages = (json.loads(path.read_text()) if path.is_file() else {}
              for path in (one / 'stages.json', other / 'stages.json'))
    differences += [f'stages.json: {line}' for line in compare_values(*stages)]
    return differences + [f'scalars: {line}' for line in _compare_logs(one, other)]


def compare_values(one: Any, other: Any) -> List[str]:
    """The names under which two nested values differ, and how."""
    left, right = dict(_leaves(one)), dict(_leaves(other))
    lines = []
    for name in sorted(left.keys() | right.keys()):
        a, b = left.get(name, MISSING), right.get(name, MISSING)
        if a is MISSING or b is MISSING:
            lines.append(f'{name} is missing in one of them')
        elif not _same(a, b):
            lines.append(f'{name}: {_short(a)} and {_short(b)}')
    return lines


def _leaves(value: Any, name: str = '') -> Iterator[Tuple[str, Any]]:
    """(dotted name, value) of everything that is not a container."""
    if hasattr(value, '_log_history'):  # mmengine's HistoryBuffer
        value = dict(values=np.asarray(value._log_history), counts=np.asarray(value._count_history))
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, (list, tuple)):
        children = enumerate(value)
    else:
        yield name, value
        return
    for key, child in children:
        last = str(key).rsplit('/', 1)[-1]
        # The moment of writing is the meta's 'time' as well.
        if last not in NOT_THE_RUN:
            yield from _leaves(child, f'{name}.{key}' if name else str(key))


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return (one.shape == other.shape and one.dtype == other.dtype
                and torch.equal(_as_bytes(one), _as_bytes(other)))
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and _bytes(one) == _bytes(other)
    return one == other or (one != one and other != other)


def _as_bytes(tensor: torch.Tensor) -> torch.Tensor:
    # NumPy has no bfloat16, and as numbers 0 and -0 would be equal.
    return tensor.detach().reshape(-1).contiguous().view(torch.uint8)


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _short(value: Any) -> str:
    if isinstance(value, (torch.Tensor, np.ndarray)) and value.shape:
        return f'values of shape {tuple(value.shape)} with sum {float(value.sum())!r}'
    return repr(value)[:80]


def _compare_logs(one: Path, other: Path) -> List[str]:
    left, right = _log(one), _log(other)
    lines = [f'step {step} ({what}) is missing in one of them'
             for step, what in sorted(left.keys() ^ right.keys())]
    for key in sorted(left.keys() & right.keys()):
        if len({*left[key], *right[key]}) > 1:
            lines.append(f'step {key[0]}: {" and ".join(sorted({*left[key], *right[key]}))}')
    return lines


def _log(run: Path) -> Dict[Tuple[int, str], List[str]]:
    """(step, names of the figures) -> the lines that were logged for it."""
    found: Dict[Tuple[int, str], List[str]] = {}
    for line in read_scalars(run):
        figures = {name: value for name, value in line.items()
                   if name.rsplit('/', 1)[-1] not in NOT_THE_RUN}
        key = (figures.get('step', 0), ','.join(sorted(figures)))
        found.setdefault(key, []).append(json.dumps(figures, sort_keys=True))
    return found
