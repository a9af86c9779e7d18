"""Where the time and the memory of a training step go."""
from .bare import Bare
from .feed import Feed
from .memory import PeakMemory
from .phases import PHASES, PhaseClock, attach_probes
from .rounds import Spent, median_ms, paired_ratio, timed

__all__ = [
    'PHASES', 'Bare', 'Feed', 'PeakMemory', 'PhaseClock', 'Spent', 'attach_probes', 'median_ms',
    'paired_ratio', 'timed'
]
