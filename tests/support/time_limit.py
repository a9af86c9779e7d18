"""An end to waits that take no timeout."""
import contextlib
import signal

import pytest


@contextlib.contextmanager
def within(seconds: int):
    """Fail the test where the block takes longer.

    With no ``Exception``, which what is tested might take for one of its own. Code outside Python
    is not interrupted: the test fails when it returns.
    """
    def late(number, frame):
        pytest.fail(f'not done within {seconds} s')

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
