"""What processes must agree on, and what a test of one process would not notice."""
import torch

from ssfer_mm import UserError
from ssfer_mm.datasets import ChapterSampler
from support.models import resnet, ssfer
from support.processes import together
from support.world import end_of, stage_one, two_stages


def complaint(cfg, size_of_rank=None):
    """Train with a dataset cut to the size of this rank -> the error."""
    rank = torch.distributed.get_rank()
    if size_of_rank:
        cfg.train_dataloader.dataset.indices = size_of_rank[rank]
    try:
        end_of(cfg)
    except UserError as error:
        return str(error)


def test_processes_with_different_data_are_refused(tmp_path):
    """And not left waiting for each other at the end of the shorter epoch."""
    errors = together(2, complaint, tmp_path, stage_one(tmp_path / 'run', 2), (36, 20))
    assert errors[0] == errors[1].replace('process 0 has 36 images in [4]', 'x') or all(errors)
    assert 'process 1 has 20 images in [2] batches per epoch' in errors[0]
    assert 'process 0 has 36 images in [4] batches per epoch' in errors[1]


def test_a_sampler_that_does_not_round_up_is_refused(tmp_path):
    """35 images: one process would have a batch more than the other."""
    cfg = stage_one(tmp_path / 'run', 2, batch=4)
    cfg.train_dataloader.drop_last = False
    cfg.train_dataloader.sampler.round_up = False
    errors = together(2, complaint, tmp_path, cfg, (33, 33))
    assert all('round_up=True' in error for error in errors)


def test_chapters_are_as_long_on_every_process(monkeypatch):
    chapters = []
    for rank in range(3):
        monkeypatch.setattr('ssfer_mm.datasets.chapter_sampler.get_dist_info',
                            lambda rank=rank: (rank, 3))
        sampler = ChapterSampler(range(20), length=7)
        sampler.set_epoch(1)
        chapters.append(list(sampler))
        assert len(sampler) == 3
    assert chapters == [[7, 10, 13], [8, 11, 14], [9, 12, 15]]


def test_batch_statistics_end_alike(tmp_path):
    """Each process normalizes by its own images; teacher and running averages are common."""
    cfg = two_stages(tmp_path / 'run', 2, labeled=8, semi=(4, 4), epochs=(1, 1))
    cfg.model = ssfer(resnet(), facemix=dict(type='FaceMix'), ema_decay=0.5)
    one, other = together(2, end_of, tmp_path, cfg)
    averages = [name for name in one if name.endswith('running_var')]
    assert len(averages) > 20
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
