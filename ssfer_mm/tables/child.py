"""One training in a process of its own, which no second one can disturb."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Dict, Iterator, Optional, Union

from ssfer_mm.apis.training.child_training import TRAIN
from ssfer_mm.files.checkpoint_list import check_listed
from ssfer_mm.files.lock import take_lock
from ssfer_mm.runtime.processor import cores

from .fork_server import ForkedTraining, ForkServer
from .plan import Run
from .state import begin_session, end_session

LOG, LOCK = 'train.log', '.training'
_PROGRESS = re.compile(r'Epoch\(train\)\s*(\[[^\]]*\]\[[^\]]*\]).*?eta: (\S+(?: days?, \S+)?)')
# How long a training may take to end after Ctrl-C.
PATIENCE = 20
TAIL = 20_000  # bytes of a log that are searched for its last words


class Busy(Exception):
    """Another process trains in this work dir."""


class Training:
    """A started training.

    Its process holds a lock on the work dir, and holds it also if this program is killed, so that
    nobody begins a second one beside it.

    Args:
        run: What to train.
        before: The run whose last checkpoint it continues from, if there is one.
        jobs: How many trainings share the machine; each gets its part of the cores, unless
            OMP_NUM_THREADS is set.
        server: Begins it, if there is one; else a new Python does.
        gpu: The only one that it sees, as CUDA_VISIBLE_DEVICES names it; None leaves that open.

    Raises:
        Busy: It is being trained already.
        UserError: What it is to continue from is damaged.
    """

    def __init__(self, run: Run, before: Optional[Run], jobs: int,
                 server: Optional[ForkServer] = None, gpu: Optional[str] = None) -> None:
        self.run, self.gpu = run, gpu
        run.work_dir.mkdir(parents=True, exist_ok=True)
        lock = _lock(run.work_dir / LOCK)
        try:
            if before is not None:
                _continue_from(run, before)
            self._journal = begin_session(run, jobs)
            with open(run.work_dir / LOG, 'ab') as log:
                self.process = server.train(run.arguments(), log.fileno(), lock, gpu) if (
                    server) else _python(run, log, lock, _environment(jobs, gpu))
        finally:
            if lock is not None:
                os.close(lock)  # the child has its own
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self._began

    def ended(self) -> Optional[int]:
        """Its exit status, None while it trains."""
        status = self.process.poll()
        if status is not None:
            end_session(self.run, self._journal, self.seconds)
        return status

    def progress(self) -> str:
        """Where it is, as its log says; '' before the first line."""
        return last_progress(self.run.work_dir / LOG)

    def interrupt(self) -> None:
        """Have it end at once; what it has saved is whole at every moment."""
        _send(self.process, signal.SIGTERM)

    def finish_off(self, patience: float = PATIENCE) -> None:
        """Wait for its end; kill it if that takes too long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        if self.process.poll() is None:
            _send(self.process, getattr(signal, 'SIGKILL', signal.SIGTERM))
            self.process.wait()
        self.ended()


@contextlib.contextmanager
def claimed(run: Run) -> Iterator[None]:
    """Hold a work dir, so that nobody trains there meanwhile.

    Raises:
        Busy: It is being trained.
    """
    lock = _lock(run.work_dir / LOCK) if run.work_dir.is_dir() else None
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def open_fork_server(jobs: int) -> Optional[ForkServer]:
    """What begins many trainings faster, where that is possible."""
    try:
        return ForkServer(_environment(jobs))
    except OSError:
        return None


def _python(run: Run, log: IO, lock: Optional[int],
            environment: Dict[str, str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(TRAIN), *run.arguments()], stdout=log, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, env=environment,
        # Ctrl-C is for this program, which passes it on.
        start_new_session=True, pass_fds=() if lock is None else (lock, ))


def last_error(run: Run) -> str:
    """Why a training failed: the line for the user, or the last one of its log."""
    lines = _tail(run.work_dir / LOG).strip().splitlines()
    errors = [line for line in lines if line.startswith('error: ')]
    return (errors or lines or ['no output'])[-1].removeprefix('error: ')[:300]


def last_progress(log: Path) -> str:
    """Epoch, iteration and time left from the end of a log."""
    found = _PROGRESS.findall(_tail(log))
    return f'epoch {found[-1][0]}, {found[-1][1]} left' if found else ''


def _tail(log: Path) -> str:
    try:
        with open(log, 'rb') as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            return file.read().decode('utf-8', 'replace')
    except OSError:
        return ''


def _lock(path: Path) -> Optional[int]:
    """A descriptor that holds the lock, for the child to inherit."""
    try:
        return take_lock(path, wait=False)
    except BlockingIOError as error:
        raise Busy from error


def _continue_from(run: Run, before: Run) -> None:
    """Lay the checkpoint to resume from into the work dir, unless it has one of its own."""
    if any(run.work_dir.glob('epoch_*.pth')):
        return
    check_listed(before.checkpoint)  # in its new folder it is in no list
    part = run.work_dir / f'.{before.checkpoint.name}.part'
    part.unlink(missing_ok=True)
    try:
        os.link(before.checkpoint, part)
    except OSError:  # another disk, or one without links
        shutil.copyfile(before.checkpoint, part)
    os.replace(part, run.work_dir / before.checkpoint.name)


def _environment(jobs: int, gpu: Optional[str] = None) -> Dict[str, str]:
    return {'OMP_NUM_THREADS': str(max(1, cores() // jobs)), **os.environ, 'PYTHONUNBUFFERED': '1',
            **({} if gpu is None else {'CUDA_VISIBLE_DEVICES': gpu})}


def _send(process: Union[subprocess.Popen, ForkedTraining], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, 'killpg'):
            os.killpg(process.pid, number)
        else:
            process.terminate()
