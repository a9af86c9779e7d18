"""Seeded draws that give the same numbers on every machine."""

import hashlib
from typing import Sequence, Tuple

import numpy as np


class Draws:
    """A stream of random numbers named by its key.

    Only raw uniform numbers are taken from the bit generator, so no library's ``exp`` or ``log``
    can make two machines disagree.

    Args:
        key: any text; equal keys give equal streams, whatever was drawn before elsewhere.

    Example:
        >>> Draws('0/train/7').uniform(0, 1) == Draws('0/train/7').uniform(0, 1)
        True
    """

    def __init__(self, key: str) -> None:
        digest = hashlib.sha256(key.encode()).digest()
        self._rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest, 'big')))

    def uniform(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return low + (high - low) * self._rng.random()

    def middle(self, low: float, high: float) -> float:
        """One number in [low, high), the middle likelier (mean of three uniform numbers)."""
        share = (self._rng.random() + self._rng.random() + self._rng.random()) / 3
        return low + (high - low) * share

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self._rng.random() < probability)

    def pick(self, weights: Sequence[float]) -> int:
        """An index, drawn in proportion to ``weights`` (which need not sum to one)."""
        target, running = self._rng.random() * sum(weights), 0.0
        for index, weight in enumerate(weights):
            running += weight
            if target < running:
                return index
        return len(weights) - 1

    def color(self, low: float, high: float) -> Tuple[float, float, float]:
        """Three independent channel values in [low, high)."""
        return self.uniform(low, high), self.uniform(low, high), self.uniform(low, high)

    def field(self, *shape: int) -> np.ndarray:
        """float32 array of uniform numbers in [0, 1)."""
        return self._rng.random(shape, dtype=np.float32)
