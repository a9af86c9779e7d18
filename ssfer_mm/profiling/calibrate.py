"""The rates of a machine, from a few steps that were timed on it."""
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ssfer_mm.errors import UserError

from .arithmetic import Work
from .cost import Device


def fit_device(name: str, steps: Sequence[tuple[Work, float]], cores: float,
               link: float) -> Device:
    """A device without a host beside it, whose rates explain the timed steps best.

    Least squares of relative errors for

        seconds = flops / rate + bytes / bandwidth + operations x call,

    none of them negative.

    Args:
        name: Of the device, for people.
        steps: Work and the seconds that it took; three or more of different kinds.
        cores: Of each process.
        link: Bytes per second between processes.

    Raises:
        UserError: Fewer than three steps, or none of them took any time.

    Example:
        >>> steps = [(Work(10, 0, 0), 1.), (Work(0, 10, 0), 2.), (Work(0, 0, 10), 3.)]
        >>> device = fit_device('d', steps, cores=1, link=1.)
        >>> round(device.flops, 6), round(device.bandwidth, 6), round(device.call, 6)
        (10.0, 5.0, 0.3)
    """
    if len(steps) < 3 or min(seconds for _, seconds in steps) <= 0:
        raise UserError(f'{len(steps)} timed steps: three rates need three or more, each of which '
                        'took some time')
    amounts = np.array([[work.flops, work.bytes, work.operations] for work, _ in steps])
    relative = amounts / np.array([seconds for _, seconds in steps])[:, None]
    scale = np.where(relative.max(axis=0) > 0, relative.max(axis=0), 1)
    flops, bandwidth, call = _not_negative(relative / scale) / scale
    return Device(name, _rate(flops), _rate(bandwidth), float(call), link, cores,
                  asynchronous=False)


def _not_negative(table: np.ndarray) -> np.ndarray:
    """x >= 0 with table @ x nearest to ones: the best of all choices of what is not 0."""
    ones, best, best_error = np.ones(len(table)), np.zeros(table.shape[1]), np.inf
    for size in range(1, table.shape[1] + 1):
        for chosen in combinations(range(table.shape[1]), size):
            found = np.linalg.lstsq(table[:, chosen], ones, rcond=None)[0]
            error = float(np.square(table[:, chosen] @ found - ones).sum())
            if found.min() >= 0 and error < best_error:
                best, best_error = np.zeros(table.shape[1]), error
                best[list(chosen)] = found
    return best


def _rate(seconds_each: float) -> float:
    return float(1 / seconds_each) if seconds_each > 0 else float('inf')
