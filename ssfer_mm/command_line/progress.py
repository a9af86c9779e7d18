"""How far a tool has come with its images."""
import sys

from tqdm import tqdm


def progress_bar(what: str, total: int, done: int) -> tqdm:
    """A bar that counts images on stderr."""
    # A log file wants a line now and then, a terminal a lively bar.
    return tqdm(total=total, initial=done, unit='image', desc=what, dynamic_ncols=True,
                mininterval=0.3 if sys.stderr.isatty() else 30.)
