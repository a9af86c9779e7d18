"""Many faces at once, on all cores."""

import contextlib
import functools
import multiprocessing
import sys
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

import numpy as np

from ..errors import UserError
from ..processes import map_batches
from ..runtime.processor import cores
from .generator import SynthFERGenerator

_CHUNK = 64
_RANGE = Tuple[int, int]


@dataclass(frozen=True)
class Pool:
    """``images`` (n, size, size, 3) uint8 RGB, ``labels`` (n,) int64, ``boxes`` (n, 4) float32,
    ``intensities`` (n,) float32."""

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    intensities: np.ndarray


def _make_renderer(seed: int, size: int, difficulty: float,
                   pool: str) -> Callable[[_RANGE], Pool]:
    generator = SynthFERGenerator(seed, size, difficulty)
    return lambda items: _stack([generator.item(pool, i) for i in range(*items)])


def _stack(faces: list) -> Pool:
    return Pool(np.stack([face.image for face in faces]),
                np.array([face.label for face in faces], np.int64),
                np.array([face.box for face in faces], np.float32),
                np.array([face.intensity for face in faces], np.float32))


def render_pool(generator: SynthFERGenerator, pool: str, count: int, progress: bool = True,
                processes: Optional[int] = None) -> Pool:
    """Render items 0 to ``count - 1`` of a pool.

    Args:
        generator: source of the faces.
        pool: 'pretrain', 'train' or 'test'.
        count: number of faces, 1 or more.
        progress: show a progress bar on a terminal, plain lines elsewhere.
        processes: workers; None takes every core, 1 renders in this process. The result does not
            depend on it.
    """
    if count < 1:
        raise UserError(f'SynthFER num_images {count}: expected 1 or more')
    chunks = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    make = functools.partial(_make_renderer, generator.seed, generator.size, generator.difficulty,
                             pool)
    # a daemonic process (a data loader's worker) may not have children of its own
    alone = multiprocessing.current_process().daemon
    workers = 1 if alone else min(processes or cores(), len(chunks))
    # fork keeps a script without a __main__ guard working; drawing needs none of torch's threads
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
    drawn = map_batches(make, chunks, workers, multiprocessing.get_context(method))
    with contextlib.closing(drawn):
        parts = _collect(drawn, pool, count, progress)
    parts = [part for _, part in sorted(parts, key=lambda pair: pair[0])]
    return Pool(*(np.concatenate([getattr(part, name) for part in parts])
                  for name in ('images', 'labels', 'boxes', 'intensities')))


def _collect(results, pool: str, count: int, progress: bool) -> list:
    parts, done, shown = [], 0, 0
    for items, part in results:
        parts.append((items, part))
        done += len(part.labels)
        if progress and count > _CHUNK:
            shown = _report(pool, done, count, shown)
    return parts


def _report(pool: str, done: int, count: int, shown: int) -> int:
    """Show progress on stderr; returns the tenth last shown (files get eleven lines, not more)."""
    tenth = 10 * done // count
    if sys.stderr.isatty():
        bar = '#' * (30 * done // count)
        end = '\n' if done == count else ''
        sys.stderr.write(f'\rSynthFER {pool}: [{bar:<30}] {done}/{count}{end}')
    elif tenth > shown or done == count:
        sys.stderr.write(f'SynthFER {pool}: rendered {done}/{count}\n')
    sys.stderr.flush()
    return tenth
