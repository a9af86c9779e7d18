"""All pairs of similar 64-bit hashes, without comparing each with each.

Multi-index hashing (Norouzi, Punjani, Fleet, "Fast Search in Hamming Space with Multi-Index
Hashing", CVPR 2012): two hashes that differ in at most 7 of 64 bits differ in at most one bit in
one of their four 16-bit quarters. So only hashes that share a quarter, but for one bit, are
compared.
"""
from typing import Iterator, List, Tuple

import numpy as np

QUARTERS, BITS = 4, 16
# Pairs compared at a time: 100 MB or so.
BLOCK = 2_000_000
_ONES = np.array([bin(value).count('1') for value in range(1 << BITS)], dtype=np.uint8)


def near_pairs(hashes: np.ndarray, queries: np.ndarray, radius: int) -> np.ndarray:
    """Rows (i, j), i < j, of which one's query and the other's hash differ in few bits.

    All pairs within 7 bits are found; of those with more, up to ``radius``, the ones that agree in
    a quarter but for one bit (at 8 bits 95 of 100).

    Args:
        hashes: uint64 (N,).
        queries: uint64 (N,): the same, or those of the images mirrored or shifted.
        radius: Largest number of different bits.

    Returns:
        int64 (P, 2), sorted, each pair once.
    """
    count, found = len(hashes), [np.zeros(0, dtype=np.int64)]
    for quarter in range(QUARTERS):
        shift = np.uint64(BITS * quarter)
        ours, theirs = (((values >> shift) & np.uint64(0xFFFF)).astype(np.int64)
                        for values in (queries, hashes))
        order = np.argsort(theirs, kind='stable')
        ends = np.cumsum(np.bincount(theirs, minlength=1 << BITS))
        for flip in (0, *(1 << bit for bit in range(BITS))):
            for i, j in _candidates(ours ^ flip, order, ends):
                near = (bit_distance(queries[i], hashes[j]) <= radius) & (i != j)
                i, j = i[near], j[near]
                found.append(np.unique(np.minimum(i, j) * count + np.maximum(i, j)))
    keys = np.unique(np.concatenate(found))
    return np.stack(np.divmod(keys, count), axis=1)


def bit_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number of different bits, int64, of two uint64 arrays of one shape."""
    different = first ^ second
    # numpy counts bits since 2.0 only.
    return sum((_ONES[(different >> np.uint64(BITS * k)) & np.uint64(0xFFFF)].astype(np.int64)
                for k in range(QUARTERS)), start=np.zeros(different.shape, dtype=np.int64))


def _candidates(keys: np.ndarray, order: np.ndarray,
                ends: np.ndarray) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Every (i, j) with ``keys[i]`` the key of j, in blocks of bounded size."""
    sizes = np.diff(ends, prepend=0)[keys]
    for start, stop in _blocks(sizes):
        repeats = sizes[start:stop]
        i = np.repeat(np.arange(start, stop), repeats)
        # Position of each candidate inside its bucket: 0, 1, ..., and anew for the next i.
        inside = np.arange(len(i)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        yield i, order[np.repeat(ends[keys[start:stop]] - repeats, repeats) + inside]


def _blocks(sizes: np.ndarray) -> List[Tuple[int, int]]:
    """Stretches of queries with about BLOCK candidates each."""
    total = np.cumsum(sizes)
    if not len(total):
        return []
    cuts = np.searchsorted(total, np.arange(BLOCK, total[-1], BLOCK), side='right')
    edges = np.unique(np.concatenate([[0], cuts, [len(sizes)]])).tolist()
    return list(zip(edges, edges[1:]))
