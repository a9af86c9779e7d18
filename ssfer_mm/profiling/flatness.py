"""Whether a series of measurements grows."""
from dataclasses import dataclass
from typing import Optional

import numpy as np

from .process_memory import Series

# Of the life of a process that appears late; and of a run, at least.
WARM_UP = 0.2
ALL = 'all processes'


@dataclass(frozen=True)
class Flatness:
    """What became of one process's memory after its warm-up.

    Attributes:
        start: Median of the first tenth of the measurements, in MiB.
        end: Median of the last tenth.
        highest: The largest of them.
        slope: Of the least-squares line, in MiB per 1,000 iterations.
        growth: The larger of end over start and of the line's rise over its beginning, as a
            fraction: the first sees a step, the second what crept up. Negative if it shrank.
        first: Iteration of the first measurement that counts.
        last: Iteration of the last one.
    """
    start: float
    end: float
    highest: float
    slope: float
    growth: float
    first: int
    last: int

    def is_flat(self, tolerance: float) -> bool:
        """Whether it has grown by no more than this fraction; shrinking is no leak."""
        return self.growth <= tolerance


def flatness(series: Series, begin: int) -> Flatness:
    """Judge measurements from iteration ``begin`` on; at least two of them must be there.

    Example:
        >>> flatness(Series([0, 500, 1000], [90., 100., 101.]), begin=500).growth
        0.01
    """
    iterations, mib = np.array(series.iterations), np.array(series.mib)
    counts = iterations >= begin
    iterations, mib = iterations[counts], mib[counts]
    tenth = max(len(mib) // 10, 1)
    start, end = float(np.median(mib[:tenth])), float(np.median(mib[-tenth:]))
    slope, offset = np.polyfit(iterations - iterations[0], mib, 1)
    rise = slope * (iterations[-1] - iterations[0]) / max(offset, 1e-9)
    return Flatness(start, end, float(mib.max()), float(1000 * slope),
                    round(max(end / start - 1, float(rise)), 9), int(iterations[0]),
                    int(iterations[-1]))


def judge_all(series: dict[str, Series], warm_up: int) -> dict[str, Optional[Flatness]]:
    """Judge each process, and all of them together.

    Args:
        series: Process -> measurements.
        warm_up: Iterations that do not count.

    Returns:
        Process -> figures; None for one that lived for less than half of the time that counts,
        such as a worker that is started anew every epoch: it cannot grow for long. At the end
        ``all processes``, from where the last of those that were judged counts.
    """
    last = max(one.iterations[-1] for one in series.values() if one.iterations)
    found: dict[str, Optional[Flatness]] = {}
    for name, one in series.items():
        begin = _begin(one, warm_up)
        lived = one.iterations[-1] - begin if one.iterations else 0
        enough = sum(iteration >= begin for iteration in one.iterations) >= 2
        found[name] = flatness(one, begin) if enough and lived >= (last - warm_up) / 2 else None
    begin = max((one.first for one in found.values() if one), default=last)
    if begin < last:
        found[ALL] = flatness(_sum(series), begin)
    return found


def _begin(one: Series, warm_up: int) -> int:
    if not one.iterations:
        return warm_up
    first, last = one.iterations[0], one.iterations[-1]
    # A process of the first hour warms up with the run, a later one by itself.
    late = first + WARM_UP * (last - first)
    return max(warm_up, round(late)) if first > warm_up / 2 else warm_up


def _sum(series: dict[str, Series]) -> Series:
    total: dict[int, float] = {}
    for one in series.values():
        for iteration, mib in zip(one.iterations, one.mib, strict=True):
            total[iteration] = total.get(iteration, 0.) + mib
    return Series(sorted(total), [total[iteration] for iteration in sorted(total)])
