"""Several sources as one."""
from collections.abc import Sequence

import numpy as np

from ssfer_mm.datasets.files import distinct

from .source import FaceSource


class Mixture(FaceSource):
    """Sources one after the other, each image's name beginning with its source's label.

    A second source of the same label gets ``-2``.

    Args:
        sources: At least one.
    """

    def __init__(self, sources: Sequence[FaceSource]) -> None:
        self.sources = list(sources)
        self.sizes = [len(source) for source in self.sources]
        self._ends = np.cumsum(self.sizes)
        self._labels = distinct(source.label for source in self.sources)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def locate(self, index: int) -> tuple[int, int]:
        """Which source an image is in, and its number there."""
        self.check_index(index)
        number = int(np.searchsorted(self._ends, index, side='right'))
        return number, index - int(self._ends[number]) + self.sizes[number]

    def read(self, index: int) -> bytes:
        number, index = self.locate(index)
        return self.sources[number].read(index)

    def name(self, index: int) -> str:
        number, index = self.locate(index)
        return f'{self._labels[number]}/{self.sources[number].name(index)}'

    def size(self, index: int) -> int | None:
        number, index = self.locate(index)
        return self.sources[number].size(index)
