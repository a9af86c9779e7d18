"""The sampler for millions of stored faces: exact resume, no list of indices."""
from collections.abc import Iterator

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmpretrain.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from .permutation import place_seeds
from .reading_order import ReadingOrder
from .seeded import ITEMS, SeededIndex
from .stored_faces import StoredFaces

CHUNK = 4096  # positions computed at once


@DATA_SAMPLERS.register_module()
class ShardSampler(Sampler[int]):
    """Order and seeds are functions of (seed, epoch, position); see :class:`ReadingOrder`.

    Args:
        dataset (StoredFaces): What is read; its weights decide the mixture.
        order (str): ``'images'``: every image is equally likely next. The ranks take turns, so a
            batch over all ranks does not depend on their number. ``'shards'``: blocks of
            neighbors come in a random order and are shuffled within a buffer; each rank has a
            part of the epoch to itself, so no two read the same block, except the one at a border.
        block (int): For ``'shards'``: images that are read in one go, 1,024 of 20 kB are 20 MB.
        buffer (int): For ``'shards'``: images that are shuffled together. They stay in the
            system's file cache, not in a process: 16,384 of 20 kB are 330 MB per machine.
        length (int, optional): Images of an epoch over all ranks; None means as many as there are.
        seed (int, optional): None takes one that all ranks share.
    """

    def __init__(self, dataset: StoredFaces, order: str = 'images', block: int = 1024,
                 buffer: int = 16384, length: int | None = None, seed: int | None = None) -> None:
        if order not in ('images', 'shards'):
            raise UserError(f"the sampler's order is {order!r}, expected 'images' or 'shards'.")
        for name, value in dict(block=block, buffer=buffer, length=length).items():
            if value is not None:
                check_number('ShardSampler', name, value, low=1, whole=True)
        if not isinstance(dataset, StoredFaces):
            raise UserError(f'ShardSampler is for StoredFaces, not for {type(dataset).__name__}; '
                            'use SeededSampler.')
        self.dataset, self.epoch, self._skip, self._length = dataset, 0, 0, length
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()
        self.window = buffer if order == 'shards' else None
        self.edges = dataset.read_in_blocks(block) if self.window else None

    @property
    def in_parts(self) -> bool:
        """Whether each rank has a part of the epoch to itself."""
        return self.window is not None

    def __len__(self) -> int:
        """Images of an epoch for this rank; all ranks have as many."""
        return -(-(self._length or len(self.dataset)) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; also forgets a pending :meth:`skip`."""
        self.epoch, self._skip = epoch, 0

    def skip(self, items: int) -> None:
        """Start the next iteration after that many items of this rank, without loading them."""
        self._skip = items

    def __iter__(self) -> Iterator[SeededIndex]:
        # Here, not before: a resumed run brings its seed with it.
        order = ReadingOrder(self.dataset.source_sizes, self.dataset.weights,
                             self._length, self.seed, self.edges, self.window)
        for begin in range(self._skip, len(self), CHUNK):
            places = np.arange(begin, min(begin + CHUNK, len(self)))
            if self.window:
                # Borders, not lengths: rounding up repeats a few images at the ends of parts.
                part, after = (order.length * rank // self.world_size
                               for rank in (self.rank, self.rank + 1))
                positions = part + places % max(1, after - part)
                indices = order.indices(self.epoch, positions, part, max(after, part + 1))
                seeded = self.rank * len(self) + places
            else:
                seeded = self.rank + places * self.world_size
                indices = order.indices(self.epoch, seeded % order.length)
            seeds = place_seeds(seeded, self.seed, self.epoch, ITEMS)
            for index, seed in zip(indices.tolist(), seeds.tolist()):
                yield SeededIndex(index, seed)
