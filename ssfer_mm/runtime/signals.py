"""Signals that ask a program to end: Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed."""
import contextlib
import signal
import threading
from typing import Callable, Iterator, Sequence

from ssfer_mm.runtime.unread_output import silence_unread

HANG_UP = [signal.SIGHUP] if hasattr(signal, 'SIGHUP') else []  # Windows has none
# What a terminal sends to all processes of a command: at Ctrl-C, and when it is closed.
TERMINAL = (signal.SIGINT, *HANG_UP)
# What ends a program that nobody sits before: of timeout, service managers, schedulers, and a lost
# connection.
KILLS = (signal.SIGTERM, *HANG_UP)
# How what a training says begins when it has heard one; whoever started it waits for this.
NOTICE = 'Stopping: this iteration is finished'


@contextlib.contextmanager
def heard_by(listen: Callable[[int], object], numbers: Sequence[int]) -> Iterator[None]:
    """Have signals call a function, inside; in the main thread, where they arrive.

    Those that this process ignores, as ``nohup`` has it ignore SIGHUP, stay ignored. A SIGHUP after
    another of the signals is no new wish: shells, the system and systemd send it on top.

    Args:
        listen: Called with the number of the signal, between two lines of the main thread.
        numbers: Which signals.
    """
    heard = []

    def hear(number: int, frame: object) -> None:
        silence_unread(1, 2)
        if number in HANG_UP and heard:
            return
        heard.append(number)
        listen(number)

    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, hear) for number in numbers
              if here and signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_as_interrupt() -> contextlib.AbstractContextManager[None]:
    """Have :data:`KILLS` raise KeyboardInterrupt, so that half-written files are cleaned away."""
    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    return heard_by(interrupt, KILLS)
