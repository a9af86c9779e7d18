"""Exact batches, every image its due, and the same order wherever it is asked for."""
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from ssfer_mm import UserError
from ssfer_mm.datasets import TwoSourceBatchSampler, TwoSourceSampler, two_source_sampler
from ssfer_mm.datasets.two_source_sampler import share_of_rank


def sampler(sizes=(7, 40), labeled=3, unlabeled=4, rank=0, world=1, seed=0, epoch=0):
    """As process ``rank`` of ``world`` would build it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_source_sampler, 'get_dist_info', lambda: (rank, world))
        result = TwoSourceSampler(SimpleNamespace(source_sizes=sizes), seed=seed)
    result.set_sources(labeled, unlabeled)
    result.set_epoch(epoch)
    return result


def batches(of):
    size = of.labeled + of.unlabeled
    indices = list(of)
    assert len(indices) == len(of) and len(indices) % size == 0
    return [indices[start:start + size] for start in range(0, len(indices), size)]


@st.composite
def cases(draw):
    world, labeled, unlabeled = (draw(st.integers(1, 3)), draw(st.integers(0, 4)),
                                 draw(st.integers(0, 5)))
    if labeled + unlabeled == 0:
        labeled = 1
    sizes = (draw(st.integers(labeled * world, 20)), draw(st.integers(unlabeled * world, 40)))
    return dict(sizes=sizes, labeled=labeled, unlabeled=unlabeled, world=world,
                seed=draw(st.integers(0, 9)), epoch=draw(st.integers(0, 9)))


def test_the_first_batches_have_the_batch_size():
    whole = TwoSourceSampler(SimpleNamespace(source_sizes=(7, 40)), seed=0)
    assert [len(batch) for batch in TwoSourceBatchSampler(whole, 3)] == [3, 3]


def test_each_source_has_an_order_of_its_own():
    every = [index for batch in batches(sampler(sizes=(24, 24), labeled=4, unlabeled=4))
             for index in batch]
    labeled, unlabeled = ([i for i in every if (i < 24) == mine] for mine in (True, False))
    assert sorted(labeled) == list(range(24)) == sorted(i - 24 for i in unlabeled)
    assert labeled != [i - 24 for i in unlabeled]


@settings(max_examples=100, deadline=None)
@given(cases())
def test_properties_of_an_epoch(case):
    """Composition, length, disjoint ranks, each unlabeled image at most once, labels evenly."""
    n_labeled, n_unlabeled = case['sizes']
    world = case['world']
    ranks = [batches(sampler(rank=rank, **case)) for rank in range(world)]
    assert len({len(rank) for rank in ranks}) == 1, 'ranks would wait for each other for ever'
    source = n_unlabeled // (case['unlabeled'] * world) if case['unlabeled'] else (
        n_labeled // (case['labeled'] * world))
    assert len(ranks[0]) == source
    for batch in (batch for rank in ranks for batch in rank):
        assert all(0 <= i < n_labeled for i in batch[:case['labeled']])
        assert all(n_labeled <= i < n_labeled + n_unlabeled for i in batch[case['labeled']:])
    used = Counter(i for rank in ranks for batch in rank for i in batch)
    assert all(used[i] <= 1 for i in range(n_labeled, n_labeled + n_unlabeled))
    uses = [used[i] for i in range(n_labeled)]
    assert max(uses, default=0) - min(uses, default=0) <= 1


@settings(max_examples=50, deadline=None)
@given(cases(), st.integers(0, 30))
def test_skipping_drops_the_first_batches(case, skipped):
    whole = batches(sampler(**case))
    one = sampler(**case)
    one.skip(skipped)
    rest = list(one)
    assert rest == [i for batch in whole[skipped:] for i in batch]


def seeded(items):
    return [(int(index), index.seed) for index in items]


@settings(max_examples=50, deadline=None)
@given(cases())
def test_ranks_together_draw_what_one_process_of_their_size_draws(case):
    """With the same seeds for the items' augmentation."""
    world = case['world']
    parts = [batches(sampler(rank=rank, **case)) for rank in range(world)]
    sizes = {name: case[name] * world for name in ('labeled', 'unlabeled')}
    alone = batches(sampler(**dict(case, world=1, **sizes)))
    for whole, *shares in zip(alone, *parts, strict=True):
        assert sorted(seeded(whole)) == sorted(seeded(sum(shares, [])))


@pytest.mark.parametrize('count, world', [(2, 2), (4, 2), (8, 1), (2, 4), (6, 3)])
def test_facemix_pairs_stay_on_their_rank(count, world):
    """Place i and its partner in the batch of all ranks are partners in the rank's batch."""
    total, taken = count * world, []
    for rank in range(world):
        mine = share_of_rank(count, rank, world)
        assert [total - 1 - place for place in reversed(mine)] == mine
        taken += mine
    assert sorted(taken) == list(range(total))


def test_an_odd_batch_keeps_one_image_per_rank_to_itself():
    assert [share_of_rank(3, rank, 2) for rank in range(2)] == [[0, 2, 5], [1, 3, 4]]


def test_the_order_depends_on_seed_and_epoch_alone():
    first = list(sampler(seed=4, epoch=2))
    again = sampler(seed=4)
    list(again)
    again.set_epoch(2)
    assert list(again) == first and list(again) == first
    assert list(sampler(seed=4, epoch=3)) != first
    assert list(sampler(seed=5, epoch=2)) != first


def test_items_draw_anew_in_every_epoch_and_source():
    seeds = [index.seed for epoch in (0, 1) for index in sampler(epoch=epoch)]
    assert len(set(seeds)) == len(seeds)


def test_every_unlabeled_image_comes_up_over_the_epochs():
    """What an epoch leaves out, others bring: 40 images, 3 x 13 of them per epoch."""
    used = Counter()
    for epoch in range(6):
        used.update(i for i in sampler(unlabeled=3, epoch=epoch) if i >= 7)
    assert set(used) == set(range(7, 47))


def test_repeated_passes_are_shuffled_anew():
    order = [i for i in sampler(sizes=(6, 48), labeled=6, unlabeled=8) if i < 6]
    passes = [order[start:start + 6] for start in range(0, 36, 6)]
    assert all(sorted(one) == list(range(6)) for one in passes)
    assert len({tuple(one) for one in passes}) > 3


def test_setting_the_epoch_forgets_a_skip():
    one = sampler()
    one.skip(3)
    one.set_epoch(0)
    assert list(one) == list(sampler())


def test_switching_sources():
    one = sampler(labeled=3, unlabeled=0)
    batch_sampler = TwoSourceBatchSampler(one, batch_size=3)
    assert len(batch_sampler) == 2 and len(one) == 6
    assert [len(batch) for batch in batch_sampler] == [3, 3]
    one.set_sources(2, 4)
    assert len(batch_sampler) == 10
    assert [len(batch) for batch in batch_sampler] == [6] * 10


@pytest.mark.parametrize('labeled, unlabeled, world, words', [
    (8, 0, 1, ['8 labeled', 'only 7', 'train_dataloader.batch_size']),
    (4, 4, 2, ['4 labeled', 'each of 2 processes', 'only 7']),
    (1, 41, 1, ['41 unlabeled', 'only 40', 'train_cfg.semi.unlabeled']),
    (0, 0, 1, ['at least one']),
])
def test_a_batch_that_the_data_cannot_fill(labeled, unlabeled, world, words):
    one = sampler(labeled=1, unlabeled=1, world=world)
    with pytest.raises(UserError) as caught:
        one.set_sources(labeled, unlabeled)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert (one.labeled, one.unlabeled) == (1, 1), 'a refused composition must not stay'


class Numbers(Dataset):
    source_sizes = (7, 40)

    def __len__(self):
        return 47

    def __getitem__(self, index):
        return index


@pytest.mark.parametrize('labeled, unlabeled, setting', [
    ('abc', 0, 'train_dataloader.batch_size'), (-4, 0, 'train_dataloader.batch_size'),
    (1, 2.5, 'train_cfg.semi.unlabeled')])
def test_a_batch_size_that_is_no_number_of_images_names_the_setting(labeled, unlabeled, setting):
    with pytest.raises(UserError, match=f'set {setting}.* to a whole number'):
        sampler(labeled=labeled, unlabeled=unlabeled)


@pytest.mark.parametrize('workers', [0, 2])
def test_through_torchs_loader_with_workers_that_stay(workers):
    """The composition may change between epochs while the worker processes live on."""
    one = TwoSourceSampler(Numbers(), seed=0)
    loader = DataLoader(Numbers(), batch_sampler=TwoSourceBatchSampler(one, batch_size=3),
                        num_workers=workers, persistent_workers=workers > 0)
    for epoch, (labeled, unlabeled) in enumerate([(3, 0), (2, 4), (2, 4)]):
        one.set_sources(labeled, unlabeled)
        one.set_epoch(epoch)
        loaded = [batch.tolist() for batch in loader]
        assert loaded == batches(sampler(labeled=labeled, unlabeled=unlabeled, epoch=epoch))
        assert len(loaded) == len(loader)
    one.skip(8)
    assert torch.stack(list(loader)).tolist() == batches(sampler(labeled=2, epoch=2))[8:]
