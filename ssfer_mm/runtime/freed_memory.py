"""Memory that a training step frees and the next one needs again."""
import ctypes
import os

# Numbers of glibc's malloc.h, and its own settings in the environment.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
USERS_CHOICE = ('MALLOC_TRIM_THRESHOLD_', 'MALLOC_MMAP_THRESHOLD_', 'GLIBC_TUNABLES')
LARGE = 2**31 - 1
HALF_AN_ARENA = 2**25  # bytes, where pointers have 64 bits


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory in this process instead of returning it.

    glibc returns what lies free at the end of the heap. The activations of a small network on a
    CPU lie there after every step, and the next step fetches them back page by page, each cleared
    by the system first: a fifth of a forward and backward pass of ResNet-nano
    (docs/performance.md), which held a tenth more memory for it. The library is left as it is where
    the environment sets one of ``USERS_CHOICE``, and where the C library is another one.

    Returns:
        Whether it is kept now.
    """
    if any(name in os.environ for name in USERS_CHOICE):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl, Windows
        return False
    # Older ones take no larger threshold than half of an arena.
    mapped = mallopt(M_MMAP_THRESHOLD, LARGE // 2) or mallopt(M_MMAP_THRESHOLD, HALF_AN_ARENA)
    return bool(mapped and mallopt(M_TRIM_THRESHOLD, LARGE))
