"""Printing what files are called, on Linux any bytes; and to readers that leave early."""
import os
import select
import sys


def print_any_name() -> None:
    """Have what the terminal's encoding lacks written with backslashes, not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, 'errors', None) == 'strict' and hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')


def reader_has_left() -> bool:
    """Whether nobody reads standard output any more, as after ``| head``.

    If so, what is still in its buffer goes nowhere, instead of into an error at the very end.
    """
    if not hasattr(select, 'poll'):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    left = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    if left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return left
