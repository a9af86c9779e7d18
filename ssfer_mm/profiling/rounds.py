"""Timing on machines that do other work as well.

Single figures drift with whatever else runs. So two ways of doing something take turns in short
blocks, their ratio is taken within each round, and the median of those ratios is what counts. CPU
time is kept beside wall time: other programs take turns with ours but are not charged to it.
"""
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import torch


@dataclass(frozen=True)
class Spent:
    """What one step of a block took, in seconds.

    Attributes:
        wall: On the clock.
        cpu: Of processor time in this process, all threads together.
    """
    wall: float
    cpu: float


def timed(device: torch.device, work: Callable[[], object], count: int) -> Spent:
    """Do ``work`` so many times in a row; the mean of one.

    A GPU is waited for before and after the block, not between its steps, which may overlap.
    """
    _wait_for(device)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        work()
    _wait_for(device)
    return Spent((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)


def median_ms(spent: Sequence[Spent]) -> dict[str, float]:
    """Medians in milliseconds: ``wall`` and ``cpu``."""
    return dict(wall=1e3 * median(s.wall for s in spent), cpu=1e3 * median(s.cpu for s in spent))


def paired_ratio(above: Sequence[Spent], below: Sequence[Spent]) -> dict[str, dict]:
    """Ratios of two ways within each round.

    Returns:
        ``wall`` and ``cpu``, each ``dict(median=..., quartiles=[low, high])``.

    Example:
        >>> paired_ratio([Spent(2, 1)], [Spent(1, 1)])['wall']
        {'median': 2.0, 'quartiles': [2.0, 2.0]}
    """
    return dict(wall=_middle([a.wall / b.wall for a, b in zip(above, below, strict=True)]),
                cpu=_middle([a.cpu / b.cpu for a, b in zip(above, below, strict=True)]))


def _middle(ratios: Sequence[float]) -> dict:
    if len(ratios) == 1:
        return dict(median=ratios[0], quartiles=[ratios[0]] * 2)
    low, middle, high = quantiles(ratios, n=4, method='inclusive')
    return dict(median=middle, quartiles=[low, high])


def _wait_for(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
