"""How long the missing runs may take, from those that are finished."""
from statistics import mean
from typing import Dict, List, Mapping, Optional, Sequence

from . import machine
from .plan import Run
from .state import Results


class Estimates:
    """Training times, measured where there is something to measure.

    Runs of this machine say how long others take; those of other machines only where there is
    nothing else.

    Args:
        runs: All runs of the table.
        results: The finished ones.
    """

    def __init__(self, runs: Dict[str, Run], results: Results) -> None:
        self._runs = runs
        found = {name: results.read(run) for name, run in runs.items()}
        self._records = {name: record for name, record in found.items() if record}
        place = machine.hardware()
        self._here = {name: record for name, record in self._records.items()
                      if str(record.get('hardware')).startswith(place)}

    def seconds(self, name: str) -> Optional[float]:
        """Of one run: what it took, if it was trained before; else its epochs, at the pace of the
        same row and fraction with other seeds, of that fraction in other rows, or of all cells.
        None if nothing is known."""
        run = self._runs[name]
        if name in self._records:
            return self._records[name]['seconds']
        for records in (self._here, self._records):
            each = [_pace(run, stage, self._runs, records) for stage in _own_stages(run)]
            if each and None not in each:
                return sum(pace * _size(run, stage) for pace, stage in zip(each, _own_stages(run)))
        return None

    def total(self, names: Sequence[str], jobs: int) -> Optional[float]:
        """Of all of these, so many at a time; None unless something is known of each.

        Args:
            names: In the order in which they are started; those that run already come first.
            jobs: How many at a time.
        """
        each = {name: self.seconds(name) for name in names}
        if not each or None in each.values():
            return None
        return makespan(each, {name: self._runs[name].needs for name in names}, jobs)


def makespan(seconds: Mapping[str, float], needs: Mapping[str, Sequence[str]],
             jobs: int) -> float:
    """When the last of some runs ends, started as `Execution` does: whenever there is room, the
    first one whose needs have ended.

    Args:
        seconds: Of each run, in the order of the queue.
        needs: Of each run; those that are not in the queue have ended.
        jobs: How many at a time.

    Example:
        >>> makespan(dict(a=3, b=4, c=5), dict(a=(), b=('a', ), c=()), jobs=2)  # b waits for a
        7.0
    """
    queue, ends, now = list(seconds), {}, 0.
    while queue or ends:
        ready = next((name for name in queue if not {*queue, *ends} & set(needs[name])), None)
        if ready is not None and len(ends) < jobs:
            queue.remove(ready)
            ends[ready] = now + seconds[ready]
        else:
            now = ends.pop(min(ends, key=ends.get))
    return now


def _own_stages(run: Run) -> List[str]:
    """Those that it trains itself: what it continues from was paid for there."""
    return [stage for stage in run.epochs if not (run.after and stage == 'supervised')]


def _size(run: Run, stage: str) -> float:
    """What a stage's time grows with: its epochs, and the share of the images that each shows."""
    share = {'supervised': run.fraction, 'semi': 100 - (run.fraction or 0)}.get(stage, 100)
    return run.epochs[stage] * max(share, 1)


def _pace(run: Run, stage: str, runs: Dict[str, Run], records: Dict[str, dict]) -> Optional[float]:
    """Seconds per size of a stage, from the runs that are most alike."""
    found = {name: _seconds(runs[name], stage, record) / _size(runs[name], stage)
             for name, record in records.items()
             if stage in _own_stages(runs[name]) and runs[name].epochs[stage]}
    for alike in (lambda other: (other.row, other.fraction) == (run.row, run.fraction),
                  lambda other: other.fraction == run.fraction,
                  lambda other: True):
        paces = [pace for name, pace in found.items() if alike(runs[name])]
        if paces:
            return mean(paces)
    return None


def _seconds(run: Run, stage: str, record: dict) -> float:
    return record['seconds'] if run.row is None else record['stages'][stage]['seconds']
