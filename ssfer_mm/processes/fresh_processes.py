"""Processes that start afresh; where possible they share the imports, which take seconds."""
import multiprocessing
import os
import signal
import threading
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Sequence


def fresh_processes(preload: Sequence[str]) -> multiprocessing.context.BaseContext:
    """A context whose processes inherit no threads, devices or locks of this one.

    They do not hear Ctrl-C, which the main process decides about, until they call
    :func:`hear_ctrl_c`.

    Args:
        preload: Modules that all of them import, done once.
    """
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(list(preload))
    _start_server()
    return context


def hear_ctrl_c() -> None:
    """In a process of such a context: end at Ctrl-C like any other."""
    if hasattr(signal, 'pthread_sigmask'):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent() -> None:
    """In a process of such a context: hear SIGTERM when the one that started it is gone, which
    otherwise it outlives."""
    def watch() -> None:
        wait([multiprocessing.parent_process().sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _start_server() -> None:
    """Start the process that makes the imports, deaf to Ctrl-C.

    Python makes it so only after the imports.
    """
    from multiprocessing import forkserver  # not on Windows

    resource_tracker.ensure_running()  # the server needs it, and starting it unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
