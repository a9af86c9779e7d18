"""The memory of a training's processes, iteration after iteration."""
import multiprocessing
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from mmengine.hooks import Hook

from ssfer_mm.errors import UserError

MAIN = 'main'
# Of a process, its own share (1/n of a page that n processes have), and no files:
# - RSS counts what a fork shares in every process. It grows in a worker that merely touches the
#   pages of its parent, and the sum over processes counts the same memory many times.
# - USS (private pages only) jumps by the size of all that is shared when a fork begins or ends.
# - PSS of files depends on strangers: libtorch's pages are shared with any other Python on the
#   machine, and the system takes them away when it likes. Leaks are in memory without a file.
SHARES = re.compile(r'^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB$', re.MULTILINE)


def own_memory(pid: int) -> Optional[float]:
    """A process's share of memory that belongs to no file, in MiB; None if it has ended.

    Raises:
        UserError: The system does not tell: it is no Linux, or older than 5.4.
    """
    try:
        found = SHARES.findall(Path(f'/proc/{pid}/smaps_rollup').read_text())
    except OSError as error:
        if pid != os.getpid() and Path('/proc/self/smaps_rollup').is_file():
            return None
        found, reason = [], error.strerror
    else:
        reason = 'no Pss_Anon in it'
    if len(found) < 2:
        raise UserError(f'/proc/{pid}/smaps_rollup cannot be used ({reason}), this is '
                        f'{platform.system()} {platform.release()}: only Linux '
                        '5.4 and later tells memory shares. Run this tool on such a machine')
    return sum(map(int, found)) / 1024


@dataclass
class Series:
    """Memory of one process over a run.

    Attributes:
        iterations: When it was measured, counted over the run.
        mib: What was found, in MiB.
    """
    iterations: list[int] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)

    def add(self, iteration: int, mib: float) -> None:
        """Append a measurement."""
        self.iterations.append(iteration)
        self.mib.append(mib)


class MemoryLog(Hook):
    """Measure this process and its children every so many training iterations.

    Args:
        interval: Iterations between measurements.
        stop_after: Leave the training then, by raising :class:`Enough`.
        report: Called with the iteration and the newest figures, name -> MiB.

    Attributes:
        series: ``main``, and ``worker 1``, ... in the order in which they appeared.
    """

    priority = 'LOWEST'

    def __init__(self, interval: int, stop_after: int,
                 report: Callable[[int, dict[str, float]], None] = lambda *_: None) -> None:
        self.interval, self.stop_after, self.report = interval, stop_after, report
        self.series: dict[str, Series] = {MAIN: Series()}
        self._names = {os.getpid(): MAIN}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Measure if it is time to."""
        iteration = runner.iter + 1
        if iteration % self.interval == 0:
            self._measure(iteration)
        if iteration >= self.stop_after:
            raise Enough

    def _measure(self, iteration: int) -> None:
        children = sorted(child.pid for child in multiprocessing.active_children())
        now = {}
        for pid in [os.getpid(), *children]:
            mib = own_memory(pid)
            if mib is None:
                continue
            name = self._names.setdefault(pid, f'worker {len(self._names)}')
            self.series.setdefault(name, Series()).add(iteration, mib)
            now[name] = mib
        self.report(iteration, now)


class Enough(Exception):
    """The training has lasted as long as it was to be watched."""
