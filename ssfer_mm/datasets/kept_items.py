"""Finished items of a dataset, kept in the memory of the process that made them."""
from typing import Callable, Dict

import torch

# A data sample with a few short strings and numbers, and what Python needs around it.
BYTES_PER_ITEM = 4096


class KeptItems:
    """Keeps items until ``gigabytes`` are full; later ones are made anew each time.

    Only for items that nothing random went into, and that nobody changes.

    Args:
        gigabytes: 0 keeps nothing.
    """

    def __init__(self, gigabytes: float) -> None:
        self._room = gigabytes * 2**30
        self._items: Dict[int, dict] = {}

    def get(self, index: int, make: Callable[[int], dict]) -> dict:
        """The item of an index, made by ``make(index)`` if it is not here."""
        item = self._items.get(index)
        if item is None:
            item = make(index)
            size = BYTES_PER_ITEM + sum(value.nbytes for value in item.values()
                                        if isinstance(value, torch.Tensor))
            if size <= self._room:
                self._room -= size
                self._items[int(index)] = item
        return item

    def __len__(self) -> int:
        """How many it holds."""
        return len(self._items)
