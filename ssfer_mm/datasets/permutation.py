"""A random order of millions of items that is computed where it is needed, never stored."""
from functools import lru_cache

import numpy as np

ROUNDS = 6
# Multipliers and shifts of SplitMix64's finalizer (Steele, Lea and Flood 2014).
MIX = ((30, 0xbf58476d1ce4e5b9), (27, 0x94d049bb133111eb))
GOLDEN = 0x9e3779b97f4a7c15


def permute(places: np.ndarray, size: int, *key: int) -> np.ndarray:
    """Where a random permutation of ``range(size)`` puts some of its places.

    A Feistel network permutes the next larger power of two; what lands outside walks on until it
    is inside ("cycle walking", Black and Rogaway 2002), on average less than once.

    Args:
        places: int64 (n,), in [0, size).
        size: At least 1.
        key: Not negative; another key is another permutation.

    Returns:
        int64 (n,), in [0, size).

    Example:
        >>> sorted(permute(np.arange(5), 5, 7).tolist())
        [0, 1, 2, 3, 4]
    """
    bits = max(2, (size - 1).bit_length())
    keys = _round_keys(key)
    values = _feistel(places.astype(np.uint64), bits, keys)
    outside = np.flatnonzero(values >= size)
    while len(outside):
        values[outside] = _feistel(values[outside], bits, keys)
        outside = outside[values[outside] >= size]
    return values.astype(np.int64)


def place_seeds(places: np.ndarray, *key: int) -> np.ndarray:
    """A seed for each place, uint32 (n,), as :func:`ssfer_mm.datasets.seeded.item_seeds` gives
    them, but without those before it.

    Args:
        places: int64 (n,), not negative.
        key: Not negative.
    """
    start = np.uint64(_round_keys(key)[0])
    return (_mix(places.astype(np.uint64) * np.uint64(GOLDEN) + start) >> np.uint64(32)
            ).astype(np.uint32)


@lru_cache(maxsize=256)
def _round_keys(key: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.random.SeedSequence(key).generate_state(ROUNDS, np.uint64).tolist())


def _feistel(values: np.ndarray, bits: int, keys: tuple[int, ...]) -> np.ndarray:
    """A permutation of the numbers of so many bits: the halves change in turn."""
    low = bits // 2
    masks = np.uint64((1 << low) - 1), np.uint64((1 << (bits - low)) - 1)
    right, left = values & masks[0], values >> np.uint64(low)
    for number, key in enumerate(keys):
        if number % 2:
            right = (right + _mix(left + np.uint64(key))) & masks[0]
        else:
            left = (left + _mix(right + np.uint64(key))) & masks[1]
    return (left << np.uint64(low)) | right


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64 bits, so that each depends on all."""
    for shift, factor in MIX:
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return values ^ (values >> np.uint64(31))
