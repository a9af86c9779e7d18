"""The batches of a real loader, for measuring: endless, and with workers one can wait for."""
import multiprocessing
import time
from collections.abc import Callable, Sequence

from torch.utils.data import DataLoader, get_worker_info


class Feed:
    """Endless batches of a training loader, epoch after epoch.

    Workers go on loading while the main process does something else, up to ``prefetch_factor``
    batches each. To time something without them, :meth:`settle` first; to time a loop with them,
    take :attr:`in_flight` batches before, or it would begin with a stock that costs it nothing.

    Args:
        loader: A loader whose sampler has ``set_epoch``; its ``collate_fn`` is wrapped.
    """

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self._made = multiprocessing.Array('q', max(1, loader.num_workers), lock=False)
        self._cpu = multiprocessing.Array('d', max(1, loader.num_workers), lock=False)
        loader.collate_fn = _Counted(loader.collate_fn, self._made, self._cpu)
        self._epoch = -1
        self._next_epoch()

    def restart(self) -> None:
        """Begin an epoch anew: after the composition of the batches was changed."""
        self.settle()
        self._next_epoch()

    def _next_epoch(self) -> None:
        self._epoch += 1
        self.loader.batch_sampler.sampler.set_epoch(self._epoch)
        self._before = sum(self._made)
        self._taken, self._length = 0, len(self.loader)
        self._batches = iter(self.loader)

    def __next__(self) -> dict:
        if self._taken == self._length:
            self._next_epoch()
        batch = next(self._batches)
        self._taken += 1
        return batch

    def run_through(self, patience: float = 120.) -> None:
        """Take the batches of an epoch and leave them, so that caches are as in a long run.

        Args:
            patience: Seconds after which to leave it at that.
        """
        end = time.monotonic() + patience
        for _ in range(self._length):
            next(self)
            if time.monotonic() > end:
                break

    @property
    def in_flight(self) -> int:
        """How many batches the workers may be ahead."""
        return self.loader.num_workers * (self.loader.prefetch_factor or 0)

    @property
    def worker_seconds(self) -> float:
        """Processor time that the workers have spent up to their last batches, all together."""
        return sum(self._cpu)

    def settle(self, patience: float = 60.) -> None:
        """Wait until the workers have made all that they were asked for.

        Args:
            patience: Seconds after which to go on anyway.
        """
        if self.loader.num_workers == 0:
            return  # nobody works ahead, and nobody counts
        asked = min(self._taken + self.in_flight, self._length)
        end = time.monotonic() + patience
        while sum(self._made) - self._before < asked and time.monotonic() < end:
            time.sleep(0.002)


class _Counted:
    """A collate function that notes how many batches each worker made, in how much CPU time."""

    def __init__(self, collate: Callable, made, cpu) -> None:
        self.collate, self.made, self.cpu = collate, made, cpu

    def __call__(self, items: Sequence) -> dict:
        batch = self.collate(items)
        worker = get_worker_info()
        if worker is not None:
            self.cpu[worker.id] = time.process_time()
            self.made[worker.id] += 1
        return batch
