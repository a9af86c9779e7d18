"""In which order several sources are read: a function of (seed, epoch, position)."""
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .permutation import permute

# What the permutations are of; part of their keys.
WINDOW, IMAGES, BLOCKS = 0, 1, 2


class ReadingOrder:
    """The index of the image at every position of every epoch, computed on the spot.

    Each source is an endless stream: all its images in a random order, then all in another, and so
    on. An epoch takes the next so many of each, as its weight says, and mixes them. So every image
    of a source is used equally often, whatever the weights, and every pass over it is complete.

    Read in blocks, a source's stream is its blocks in a random order, each in the order of the
    file; positions are then shuffled within windows only. That is what a shuffle buffer of this
    size does, except that any position can be computed without those before it.

    Args:
        sizes: Images of each source.
        weights: Their shares of an epoch; None means their sizes.
        length: Positions of an epoch; None means as many as there are images.
        seed: Not negative.
        edges: For reading in blocks: of each source, int64, where its blocks begin, and its size.
        window: For reading in blocks: positions that are shuffled together.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float] | None = None,
                 length: int | None = None, seed: int = 0,
                 edges: Sequence[np.ndarray] | None = None, window: int | None = None) -> None:
        self.sizes, self.seed, self.edges, self.window = list(sizes), seed, edges, window
        self.length = sum(self.sizes) if length is None else length
        self.counts = apportion(self.length, self.sizes if weights is None else weights)
        self.starts = np.cumsum([0, *self.sizes]).tolist()
        self._blocks = lru_cache(maxsize=2 * len(self.sizes))(self._block_order)

    def indices(self, epoch: int, positions: np.ndarray, begin: int = 0,
                end: int | None = None) -> np.ndarray:
        """The images at some positions.

        Args:
            epoch: Which epoch.
            positions: int64 (n,), in [begin, end).
            begin: Where the part of the epoch begins in which windows are counted.
            end: Where it ends; None means the end of the epoch.

        Returns:
            int64 (n,): indices over all sources, one after the other.
        """
        end = self.length if end is None else end
        window = self.window or max(1, end - begin)
        found, windows = np.empty(len(positions), np.int64), (positions - begin) // window
        for number in np.unique(windows).tolist():
            mine, first = windows == number, begin + number * window
            last = min(first + window, end)
            slots = permute(positions[mine] - first, last - first, self.seed, WINDOW, epoch, first)
            found[mine] = self._at(epoch, slots, first, last)
        return found

    def _at(self, epoch: int, slots: np.ndarray, first: int, last: int) -> np.ndarray:
        """The images at slots of a window, before it is shuffled: source by source."""
        before = self._taken(first)
        edges = np.cumsum([0, *(b - a for a, b in zip(before, self._taken(last)))])
        source = np.searchsorted(edges, slots, side='right') - 1
        found = np.empty(len(slots), np.int64)
        for number in np.unique(source).tolist():
            mine = source == number
            places = (epoch * self.counts[number] + before[number] - int(edges[number])
                      + slots[mine])
            found[mine] = self.starts[number] + self._in_source(number, places)
        return found

    def _taken(self, position: int) -> list[int]:
        """How many images of each source come before a position; none ever becomes fewer."""
        taken, left, rest = [], position, self.length
        for count in self.counts:
            taken.append(left * count // rest if rest else 0)
            left, rest = left - taken[-1], rest - count
        return taken

    def _in_source(self, number: int, places: np.ndarray) -> np.ndarray:
        """The images of a source at some places of its endless stream."""
        size = self.sizes[number]
        passes, places = np.divmod(places, size)
        found = np.empty(len(places), np.int64)
        for turn in np.unique(passes).tolist():
            mine = passes == turn
            if self.edges is None:
                found[mine] = permute(places[mine], size, self.seed, IMAGES, number, turn)
            else:
                ends, offsets = self._blocks(number, turn)
                block = np.searchsorted(ends, places[mine], side='right')
                found[mine] = places[mine] + offsets[block]
        return found

    def _block_order(self, number: int, turn: int) -> tuple[np.ndarray, np.ndarray]:
        """One pass over a source's blocks: where each ends, and what to add to places in it."""
        edges = self.edges[number]
        blocks = permute(np.arange(len(edges) - 1), len(edges) - 1, self.seed, BLOCKS, number, turn)
        ends = np.cumsum(np.diff(edges)[blocks])
        begins = np.concatenate([[0], ends[:-1]])
        return ends, edges[:-1][blocks] - begins


def apportion(length: int, weights: Sequence[float]) -> list[int]:
    """``length`` split by weights into whole numbers (largest remainders).

    Example:
        >>> apportion(10, [1, 1, 1])
        [4, 3, 3]
    """
    exact = [length * weight / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    by_rest = sorted(range(len(counts)), key=lambda i: counts[i] - exact[i])
    for i in by_rest[:length - sum(counts)]:
        counts[i] += 1
    return counts
