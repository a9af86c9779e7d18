"""Endless batches, and workers that can be waited for."""
import pytest
import torch
from torch.utils.data import DataLoader, SequentialSampler

from ssfer_mm.profiling import Feed


class Sampler(SequentialSampler):
    def set_epoch(self, epoch):
        self.epoch = epoch


@pytest.mark.parametrize('workers', [0, 2])
def test_epochs_follow_each_other_and_workers_finish(workers):
    data = torch.arange(10)
    loader = DataLoader(data, batch_size=2, sampler=Sampler(data), num_workers=workers,
                        persistent_workers=workers > 0)
    feed = Feed(loader)
    assert feed.in_flight == 2 * workers
    seen = [next(feed)[0].item() for _ in range(7)]
    assert seen == [0, 2, 4, 6, 8, 0, 2] and loader.sampler.epoch == 1
    feed.settle(patience=20)
    if workers:
        assert sum(feed._made) == 5 + 2 + min(feed.in_flight, 3), 'all that was asked for'
        assert feed.worker_seconds > 0
    feed.restart()
    assert next(feed)[0].item() == 0 and loader.sampler.epoch == 2
    feed.settle(patience=20)
    feed.run_through()
    assert next(feed)[0].item() == 2, 'an epoch later'
    feed.run_through(patience=0)
    assert next(feed)[0].item() == 6
