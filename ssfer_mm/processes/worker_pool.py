"""Several processes, each with its own tools, that work through a list of batches."""
import contextlib
import multiprocessing
import signal
import time
import traceback
from multiprocessing.connection import Connection, wait
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar

from ssfer_mm.errors import UserError
from ssfer_mm.runtime.signals import TERMINAL

from .fresh_processes import fresh_processes

Batch = TypeVar('Batch')
Result = TypeVar('Result')
Work = Callable[[Batch], Result]

# Given out ahead, so that a worker need not wait for the main process between two batches.
AHEAD = 2
# What is meant for all processes may reach a worker before this one.
SIGNAL_ARRIVES = 0.5  # seconds


def map_batches(make_work: Callable[[], Work], batches: Iterable[Batch],
                workers: int = 1,
                context: Optional[multiprocessing.context.BaseContext] = None,
                ) -> Iterator[Tuple[Batch, Result]]:
    """Apply one function to many batches.

    Every worker has a pipe of its own: one that is killed takes no lock with it that another
    waits for, as one of :class:`multiprocessing.Pool` does.

    Args:
        make_work: Makes the function, once in every process; must be picklable, and so must be
            batches and results.
        batches: What to work on.
        workers: Number of processes; 1 works in this one. The others compute with one thread
            each, and end with this one, even if it is killed.
        context: How they start; None lets them inherit no threads, devices or locks.

    Yields:
        Each batch and its result, in the order in which they are finished.

    Raises:
        UserError: ``workers`` is below 1, the function raised one, or a process was killed.
        RuntimeError: The function raised anything else; the message holds its traceback.
    """
    if workers < 1:
        raise UserError(f'--workers {workers}: give 1 or more')
    if workers == 1:
        work = make_work()
        for batch in batches:
            yield batch, work(batch)
        return
    context = context or fresh_processes(['ssfer_mm'])
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(_worker(context, make_work)) for _ in range(workers)]
        yield from _deal(pipes, iter(batches))


def _deal(pipes: List[Connection], batches: Iterator[Batch]) -> Iterator[Tuple[Batch, Result]]:
    """Keep every worker busy; hand on what they return."""
    waiting: Dict[Connection, List[Batch]] = {pipe: [] for pipe in pipes}
    for _ in range(AHEAD):
        for pipe in pipes:
            _give(pipe, batches, waiting)
    while any(waiting.values()):
        for pipe in wait([pipe for pipe in pipes if waiting[pipe]]):
            try:
                kind, result = pipe.recv()
            except (EOFError, OSError):
                time.sleep(SIGNAL_ARRIVES)
                raise UserError('a worker process was killed, perhaps because memory ran out: run '
                                'the same command again to go on, with fewer --workers or a '
                                'smaller --batch-size where it has these options') from None
            if kind == 'user':
                raise UserError(result)
            if kind == 'bug':
                raise RuntimeError(f'a worker process failed:\n{result}')
            batch = waiting[pipe].pop(0)
            _give(pipe, batches, waiting)
            yield batch, result


def _give(pipe: Connection, batches: Iterator[Batch],
          waiting: Dict[Connection, List[Batch]]) -> None:
    batch = next(batches, None)
    if batch is None:
        return
    waiting[pipe].append(batch)
    # A worker that is gone is noticed when its answer is read.
    with contextlib.suppress(OSError):
        pipe.send(batch)


@contextlib.contextmanager
def _worker(context: multiprocessing.context.BaseContext,
            make_work: Callable[[], Work]) -> Iterator[Connection]:
    """A process that ends with this block, whatever it is doing."""
    ours, theirs = context.Pipe()
    # A fork holds a copy of our end, and would wait for itself.
    copied = ours if context.get_start_method() == 'fork' else None
    process = context.Process(target=_serve, args=(theirs, copied, make_work), daemon=True)
    try:
        with _signals_wait():
            process.start()
        # With its last holder gone, the pipe says that the worker is.
        theirs.close()
        yield ours
    finally:
        ours.close()
        if process.pid is not None:
            process.join(0.2)
            process.terminate()
            process.join()


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """A fork must not hear them before it has said what to do with them."""
    if not hasattr(signal, 'pthread_sigmask'):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*TERMINAL, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_signals_alone() -> None:
    """A terminal tells all processes, and the main one decides; SIGTERM just ends a worker."""
    for number in TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not what a training that forked it does
    if hasattr(signal, 'pthread_sigmask'):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*TERMINAL, signal.SIGTERM})


def _serve(pipe: Connection, copied: Optional[Connection], make_work: Callable[[], Work]) -> None:
    _leave_signals_alone()
    if copied is not None:
        copied.close()
    try:
        _one_thread()
        work = make_work()
        while True:
            pipe.send(('done', work(pipe.recv())))
    except UserError as error:
        answer = 'user', str(error)
    except Exception:  # also where the main process has ended: nobody hears it then
        answer = 'bug', traceback.format_exc()
    with contextlib.suppress(OSError):
        pipe.send(answer)


def _one_thread() -> None:
    """As many threads as processes would fight over the same cores."""
    import cv2
    import torch

    torch.set_num_threads(1)
    # 1 would end OpenCV's other threads, for which a fork waits in vain: it has none of them.
    cv2.setNumThreads(0)
