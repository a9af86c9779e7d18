"""How far a long work has come, told on stderr."""
import sys
import time
from typing import Iterable, Iterator, Optional, TypeVar

Item = TypeVar('Item')


def progress(items: Iterable[Item], total: Optional[int], what: str = 'image',
             shown: bool = True) -> Iterator[Item]:
    """The same items, counted by a bar; where tqdm is not installed, by a line now and then.

    Args:
        items: What to iterate over.
        total: How many there are, None if unknown.
        what: One of them.
        shown: False hides the bar.
    """
    if not shown:
        yield from items
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield from _plain(items, total, what, 0.5 if sys.stderr.isatty() else 30.)
        return
    yield from tqdm(items, total=total, unit=what, dynamic_ncols=True, mininterval=_pause())


def progress_bar(what: str, total: int, done: int):
    """A ``tqdm`` bar that counts images, to be moved on by hand."""
    from tqdm import tqdm

    return tqdm(total=total, initial=done, unit='image', desc=what, dynamic_ncols=True,
                mininterval=_pause())


def _pause() -> float:
    """Seconds: a log file wants a line now and then, a terminal a lively bar."""
    return 0.3 if sys.stderr.isatty() else 30.


def _plain(items: Iterable[Item], total: Optional[int], what: str,
           interval: float) -> Iterator[Item]:
    began = last = time.monotonic()
    of = f' of {total}' if total else ''
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= interval:
            last = now
            print(f'{number}{of} {what}s, {number / (now - began):.1f} per second',
                  file=sys.stderr, flush=True)
