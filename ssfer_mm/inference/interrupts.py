"""Ctrl-C, and SIGTERM of ``timeout`` or a service manager, which is to end a command likewise."""
import contextlib
import signal
import threading
from typing import Iterator

SIGNALS = signal.SIGINT, signal.SIGTERM


@contextlib.contextmanager
def kill_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that half-written files are cleaned away.

    For the main thread; in another one it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class GentleStop:
    """Makes the first of these signals a wish, so that what is done can be finished and kept.

    A context manager for the main thread; in another one it does nothing. The second signal ends
    the program as usual.

    Attributes:
        wanted: Whether the user wants to end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict = {}

    def __enter__(self) -> 'GentleStop':
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._wish) for number in SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore()

    def _wish(self, number: int, frame: object) -> None:
        self.wanted = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
