"""Loader processes that outlive the signal which asks the training to stop."""
import os
import signal
import threading
from functools import partial
from typing import Callable, Optional

from torch.utils.data import DataLoader

from ssfer_mm.runtime.signals import TERMINAL

# Seconds that a training has to finish its iteration and to save.
PATIENCE = 120


def make_workers_patient(loader: DataLoader) -> None:
    """Let the workers of a loader that has none yet leave signals to the training.

    A terminal sends Ctrl-C, and SIGHUP when it is closed, and Slurm SIGTERM to every process of a
    run. A worker that obeys takes the batches with it that the training needs to come to an end.
    """
    if loader.num_workers:
        loader.worker_init_fn = partial(_begin, loader.worker_init_fn)


def _begin(begin: Optional[Callable[[int], None]], worker: int) -> None:
    for number in TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, 'sigwaitinfo'):  # macOS has none
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_mind_the_sender, args=(os.getppid(), ), daemon=True).start()
    if begin is not None:
        begin(worker)


def _mind_the_sender(training: int) -> None:
    """Obey the training at once, anybody else when it has had its time."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != training:
        signal.alarm(PATIENCE)
    os._exit(0)
