"""The most memory that a stretch of a program held at any one time."""
import multiprocessing
import re
import resource
import sys
from pathlib import Path

import torch

MEGABYTE = 2**20
UNITS_OF_MAXRSS = 1 if sys.platform == 'darwin' else 1024


class PeakMemory:
    """Counts from its creation on, where the system lets it (Linux, CUDA); else from the start.

    Args:
        device: Whose memory to report beside the host's.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        try:
            Path('/proc/self/clear_refs').write_text('5')  # forgets the high-water mark
        except OSError:
            pass
        if device.type == 'cuda':
            torch.cuda.reset_peak_memory_stats(device)

    def megabytes(self) -> dict[str, float]:
        """Peaks in MiB: ``main`` process, its live ``workers`` together, and the ``gpu`` if any.

        Pages that processes share, such as a fork's, count in each of them.
        """
        peaks = dict(main=_peak('self'))
        workers = [_peak(child.pid) for child in multiprocessing.active_children()]
        if workers:
            peaks['workers'] = sum(workers)
        if self.device.type == 'cuda':
            peaks['gpu'] = torch.cuda.max_memory_allocated(self.device) / MEGABYTE
        return peaks


def _peak(process: object) -> float:
    try:
        found = re.search(r'VmHWM:\s+(\d+) kB', Path(f'/proc/{process}/status').read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) / 1024
    if process != 'self':
        return 0.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNITS_OF_MAXRSS / MEGABYTE
