"""An endless dataset, read in chapters: each epoch goes on where the one before ended."""
from collections.abc import Iterator, Sized

from mmengine.dist import get_dist_info
from mmpretrain.registry import DATA_SAMPLERS
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class ChapterSampler(Sampler[int]):
    """Epoch e yields the items ``e * length`` to ``(e + 1) * length - 1``, in order.

    For datasets that compose their items, so that every one is seen once. A resumed run goes on
    with the items that an uninterrupted one would have taken, without replaying any.

    Args:
        dataset (Sized): The dataset; beyond its end, its beginning follows.
        length (int): Items per epoch, over all ranks; the ranks take turns. Where they do not
            share it evenly, the last ones look into the next chapter, so that all take as many:
            a rank with a batch less would let the others wait forever.
        seed (int, optional): Taken because mmengine passes one; nothing here is random.

    Example:
        >>> sampler = ChapterSampler(range(5), length=3)
        >>> sampler.set_epoch(1)
        >>> list(sampler)
        [3, 4, 0]
    """

    def __init__(self, dataset: Sized, length: int, seed: int | None = None) -> None:
        self.size, self.length, self.epoch = len(dataset), length, 0
        self.rank, self.world_size = get_dist_info()

    def set_epoch(self, epoch: int) -> None:
        """Choose the chapter."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        begin = self.epoch * self.length
        return (index % self.size
                for index in range(begin + self.rank, begin + len(self) * self.world_size,
                                   self.world_size))

    def __len__(self) -> int:
        return -(-self.length // self.world_size)
