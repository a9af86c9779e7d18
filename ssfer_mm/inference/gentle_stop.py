"""Ctrl-C, or a polite kill, while a video or a camera is read: what is done is kept."""
import contextlib
import signal

from ssfer_mm.runtime.signals import KILLS, heard_by


class GentleStop:
    """Makes the first of these signals a wish, so that what is done can be finished and kept.

    A context manager for the main thread; in another one it does nothing. The second signal is a
    KeyboardInterrupt.

    Attributes:
        wanted: Whether the user wants to end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> 'GentleStop':
        self._signals.enter_context(heard_by(self._wish, (signal.SIGINT, *KILLS)))
        return self

    def __exit__(self, *exception: object) -> None:
        self._signals.close()

    def _wish(self, number: int) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
