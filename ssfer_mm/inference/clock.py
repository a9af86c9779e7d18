"""Where the time goes."""
import contextlib
import time
from collections import defaultdict
from typing import Dict, Iterator

from ssfer_mm.command_line.printing import counted

STAGES = ('reading', 'detection', 'cropping', 'classification', 'drawing and writing')


class Clock:
    """Seconds that the main thread spends in each stage, and inside the networks.

    Reading and writing happen in threads of their own; what counts is how long one waits for them.

    Attributes:
        stages: By name, see `STAGES`.
        networks: Inside detector and classifier, from pixels (normalization counts) to raw boxes
            and probabilities; a part of their stages.

    Example:
        >>> clock = Clock()
        >>> with clock.measure('cropping'):
        ...     pass
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.stages: Dict[str, float] = defaultdict(float)
        self.networks = 0.
        self._began = time.perf_counter()

    @property
    def total(self) -> float:
        """Seconds since the last reset."""
        return time.perf_counter() - self._began

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time of this block to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stages[stage] += time.perf_counter() - began

    @contextlib.contextmanager
    def inside_network(self) -> Iterator[None]:
        """Add the time of this block to `networks`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.networks += time.perf_counter() - began

    def breakdown(self, count: int, what: str) -> str:
        """One line about all since the last reset.

        Args:
            count: How many images that was.
            what: What to call one of them, such as ``'image'``.
        """
        total = max(self.total, 1e-9)
        parts = [f'{stage} {100 * self.stages[stage] / total:.0f} %' for stage in STAGES]
        return (f'{counted(count, what)} in {total:.1f} s ({count / total:.1f} per second): '
                f'{", ".join(parts)}; inside the two networks {100 * self.networks / total:.0f} %')
