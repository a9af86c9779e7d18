"""How long the missing runs may take, from those that are finished."""
from statistics import mean
from typing import Dict, List, Optional, Sequence

from .plan import Run
from .state import Results


class Estimates:
    """Training times, measured where there is something to measure.

    Args:
        runs: All runs of the table.
        results: The finished ones.
    """

    def __init__(self, runs: Dict[str, Run], results: Results) -> None:
        self._runs = runs
        records = {name: results.read(run) for name, run in runs.items()}
        self._seconds = {name: record['seconds'] for name, record in records.items() if record}

    def seconds(self, name: str) -> Optional[float]:
        """Of one run: as the same row and fraction took with other seeds; else as that fraction
        took in other rows; else as all cells did. None if nothing is known."""
        run = self._runs[name]
        if run.row is None:
            return self._mean(lambda other: other.row is None)
        for alike in (lambda other: (other.row, other.fraction) == (run.row, run.fraction),
                      lambda other: other.row is not None and other.fraction == run.fraction,
                      lambda other: other.row is not None):
            found = self._mean(alike)
            if found is not None:
                return found
        return None

    def total(self, names: Sequence[str], jobs: int) -> Optional[float]:
        """Of all of these, so many at a time; None unless something is known of each."""
        each = [self.seconds(name) for name in names]
        if not each or None in each:
            return None
        return max(sum(each) / jobs, *each)

    def _mean(self, alike) -> Optional[float]:
        found: List[float] = [seconds for name, seconds in self._seconds.items()
                              if alike(self._runs[name])]
        return mean(found) if found else None


def duration(seconds: Optional[float]) -> str:
    """Seconds for people.

    Example:
        >>> duration(42), duration(150), duration(9000), duration(None)
        ('42 s', '2 min 30 s', '2 h 30 min', '?')
    """
    if seconds is None:
        return '?'
    seconds = round(seconds)
    if seconds < 60:
        return f'{seconds} s'
    if seconds < 3600:
        return f'{seconds // 60} min {seconds % 60} s' if seconds < 600 else f'{seconds // 60} min'
    return f'{seconds // 3600} h {seconds % 3600 // 60} min'
