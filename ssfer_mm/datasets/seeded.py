"""Random draws of a data item as a function of its place in the run, not of what came before."""
import random

import numpy as np
import torch

# Sets the seeds of items apart from the orders that samplers draw from the same numbers.
ITEMS = 0x6974656D


class SeededIndex(int):
    """A dataset index that carries the seed of the item's random draws.

    It travels to whichever worker process makes the item, so that neither the number of workers
    nor where a resumed run began changes an augmentation.

    Args:
        index: The index; differences and remainders keep the seed, everywhere else this is a
            plain int.
        seed: In [0, 2**32).

    Example:
        >>> SeededIndex(3, seed=7) + 1, SeededIndex(3, seed=7).seed
        (4, 7)
    """

    def __new__(cls, index: int, seed: int = 0) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    # ConcatDataset subtracts, RepeatDataset divides, before they ask the dataset inside.
    def __sub__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) - other, self.seed)

    def __mod__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) % other, self.seed)


def item_seeds(count: int, *place: int) -> list[int]:
    """Seeds of ``count`` items in a row, each in [0, 2**32).

    Args:
        count: How many.
        place: What tells this row from others, such as (seed, epoch); not negative.
    """
    draws = np.random.default_rng([*place, ITEMS])
    return draws.integers(2**32, size=count, dtype=np.uint64).tolist()


def seed_draws(index: int) -> None:
    """Let transforms draw what belongs to this item; a dataset calls it before its pipeline.

    A plain index changes nothing. What the generators held before is not brought back: in a
    worker nothing else draws, and ``ExactResumeHook`` seeds the model's draws after the data.
    About 30 microseconds.
    """
    seed = getattr(index, 'seed', None)
    if seed is None:
        return
    random.seed(seed)
    np.random.seed(seed)
    # Not torch.manual_seed, which takes ten times as long: items are made on the CPU.
    torch.default_generator.manual_seed(seed)
