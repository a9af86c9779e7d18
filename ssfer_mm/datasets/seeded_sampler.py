"""mmengine's sampler for runs that must end the same however often they are interrupted."""
from collections.abc import Iterator, Sized
from itertools import islice

from mmengine.dataset import DefaultSampler
from mmpretrain.registry import DATA_SAMPLERS

from ssfer_mm.datasets.seeded import SeededIndex, item_seeds


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """``DefaultSampler`` whose indices carry seeds, and that can begin inside an epoch.

    Order and seeds are functions of (seed, epoch, position in the epoch over all ranks).

    Args:
        dataset (Sized): The dataset; its ``__getitem__`` calls :func:`seed_draws`.
        shuffle (bool): A new order every epoch.
        seed (int, optional): None takes one that all ranks share.
        round_up (bool): Repeat some items, so that every rank has as many.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None,
                 round_up: bool = True) -> None:
        super().__init__(dataset, shuffle, seed, round_up)
        self._skip = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; also forgets a pending :meth:`skip`."""
        super().set_epoch(epoch)
        self._skip = 0

    def skip(self, items: int) -> None:
        """Start the next iteration after that many items of this rank, without loading them."""
        self._skip = items

    def __iter__(self) -> Iterator[SeededIndex]:
        seeds = item_seeds(self.total_size, self.seed, self.epoch)[self.rank::self.world_size]
        for index, seed in islice(zip(super().__iter__(), seeds), self._skip, None):
            yield SeededIndex(index, seed)
