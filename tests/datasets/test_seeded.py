"""An item's random draws depend on its place in the epoch, not on who makes it or when."""
import pickle
import random
from itertools import islice

import numpy as np
import pytest
import torch
from mmpretrain.registry import DATASETS
from torch.utils.data import BatchSampler, DataLoader

from ssfer_mm.datasets import SeededIndex, SeededSampler, TwoSourceSampler, item_seeds, seed_draws
from support.runs import TinyFaces

SIZE = 36


def draws():
    return random.random(), np.random.rand(), float(torch.rand(()))


def test_a_seed_covers_every_generator_and_survives_the_way_to_a_worker():
    index = pickle.loads(pickle.dumps(SeededIndex(3, seed=2**32 - 1)))
    assert index == 3 and index.seed == 2**32 - 1
    seed_draws(index)
    first = draws()
    draws()
    seed_draws(index)
    assert draws() == first
    seed_draws(SeededIndex(3, seed=1))
    assert not set(draws()) & set(first)


@pytest.mark.parametrize('wrapper', ['ConcatDataset', 'RepeatDataset'])
def test_a_seed_goes_through_the_wrappers_of_datasets(wrapper):
    inside = dict(type='TinyFaces', data_root=None)
    wrapped = DATASETS.build(dict(type=wrapper, **dict(
        ConcatDataset=dict(datasets=[inside, inside]),
        RepeatDataset=dict(dataset=inside, times=2))[wrapper]))
    seen = []
    for part in getattr(wrapped, 'datasets', None) or [wrapped.dataset]:
        part.prepare_data = lambda index: seen.append((int(index), draws())) or dict()
    row = len(wrapped) // 2 + 1  # the second one of the second dataset, or round
    for seed in (5, 6, 5):
        wrapped[SeededIndex(row, seed=seed)]
    assert [place for place, _ in seen] == [1, 1, 1]
    assert seen[0] == seen[2] != seen[1]


def test_a_plain_index_changes_nothing():
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = draws()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    seed_draws(3)
    assert draws() == expected


def test_seeds_differ_by_place_and_not_by_length():
    assert item_seeds(5, 0, 1) == item_seeds(9, 0, 1)[:5]
    rows = [tuple(item_seeds(3, *place)) for place in ((0, 0), (0, 1), (1, 0), (0, 0, 1))]
    assert len(set(rows)) == len(rows)


def items(sampler):
    return [(int(index), index.seed) for index in sampler]


def test_ranks_share_out_what_one_process_would_use(monkeypatch):
    whole = items(SeededSampler(range(SIZE), seed=5))
    shares = []
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        shares.append(items(SeededSampler(range(SIZE), seed=5)))
    assert [item for pair in zip(*shares) for item in pair] == whole


def test_another_epoch_draws_anew_even_in_the_same_order():
    sampler = SeededSampler(range(SIZE), shuffle=False, seed=5)
    first = items(sampler)
    sampler.set_epoch(1)
    assert [index for index, _ in items(sampler)] == [index for index, _ in first]
    assert not {seed for _, seed in items(sampler)} & {seed for _, seed in first}


@pytest.mark.parametrize('options, sizes', [({}, [3, 3]), (dict(round_up=False), [3, 2])])
def test_ranks_have_as_many_items_unless_none_may_be_repeated(monkeypatch, options, sizes):
    for rank, size in enumerate(sizes):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        sampler = SeededSampler(range(5), seed=0, **options)
        assert len(items(sampler)) == len(sampler) == size


def test_skipped_items_are_those_that_came_first():
    sampler = SeededSampler(range(SIZE), seed=5)
    sampler.set_epoch(2)
    whole = items(sampler)
    sampler.skip(10)
    assert items(sampler) == whole[10:]
    sampler.set_epoch(3)
    other = items(sampler)
    assert len(other) == SIZE and other != whole


class Sources:
    source_sizes = (8, 24)


def test_both_sources_have_seeds_of_their_own():
    sampler = TwoSourceSampler(Sources(), seed=0)
    sampler.set_sources(labeled=2, unlabeled=4)
    whole = items(sampler)
    assert len({seed for _, seed in whole}) == len(whole) == 36, 'repeated images draw anew'
    sampler.skip(2)
    assert items(sampler) == whole[12:]


@pytest.mark.parametrize('workers', [0, 2])
def test_the_number_of_workers_changes_no_pixel(workers):
    pipeline = [dict(type='LoadFace'),
                dict(type='TrackedRandomResizedCrop', scale=8, crop_ratio_range=(0.2, 1.0)),
                dict(type='TrackedRandomFlip'), dict(type='PackFace')]
    faces = TinyFaces(data_root=None, subset='train', boxes='dataset', pipeline=pipeline)
    sampler = SeededSampler(faces, seed=0)
    loader = DataLoader(faces, batch_sampler=BatchSampler(sampler, 4, False), num_workers=workers,
                        collate_fn=lambda items: torch.stack([item['inputs'] for item in items]))
    for batch, indices in zip(islice(loader, 3), loader.batch_sampler):
        # Alone, later, in this process.
        assert torch.equal(batch, torch.stack([faces[index]['inputs'] for index in indices]))
