"""Printing what files are called: on Linux any bytes, which need not be UTF-8."""
import sys


def print_any_name() -> None:
    """Have what the terminal's encoding lacks written with backslashes, not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, 'errors', None) == 'strict' and hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')
