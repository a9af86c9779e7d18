"""What is printed: names of files, on Linux any bytes; counts; times; and to readers that leave."""
import sys
from typing import Optional

from ssfer_mm.runtime.unread_output import silence_unread


def print_any_name() -> None:
    """Have what the terminal's encoding lacks written with backslashes, not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, 'errors', None) == 'strict' and hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')


def shown(name: str) -> str:
    r"""A file's name as a line shows it: what would end the line, color the terminal or hide is
    written out.

    Example:
        >>> shown('caf\xe9 1.jpg'), shown('a\nb\x1b[31m.jpg'), shown('caf\udce9.jpg')
        ('café 1.jpg', 'a\\nb\\x1b[31m.jpg', 'caf\\udce9.jpg')
    """
    return ''.join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name)


def reader_has_left() -> bool:
    """Whether nobody reads standard output any more, as after ``| head``.

    If so, what is still in its buffer goes nowhere, instead of into an error at the very end.
    """
    return silence_unread(sys.stdout.fileno())


def counted(number: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, 'face'), counted(0, 'face')
        ('1 face', '0 faces')
    """
    return f'{number} {noun}{"" if number == 1 else "s"}'


def duration(seconds: Optional[float]) -> str:
    """Seconds for people.

    Example:
        >>> duration(42), duration(150), duration(9000), duration(None)
        ('42 s', '2 min 30 s', '2 h 30 min', '?')
    """
    if seconds is None:
        return '?'
    seconds = round(seconds)
    if seconds < 60:
        return f'{seconds} s'
    if seconds < 3600:
        return f'{seconds // 60} min {seconds % 60} s' if seconds < 600 else f'{seconds // 60} min'
    return f'{seconds // 3600} h {seconds % 3600 // 60} min'
