"""Rare classes more often, in epochs of the same length, the same wherever one looks."""
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.balanced_shares import expected_slots
from ssfer_mm import UserError
from ssfer_mm.datasets import SemiSupervisedDataset, TwoSourceSampler, two_source_sampler
from ssfer_mm.datasets.balanced_order import balanced_order
from support.runs import CLASSES, PER_CLASS, TinyFaces  # noqa: F401  registers it

CLASSES_OF_20 = [0] * 14 + [1] * 4 + [2] * 2

skewed = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(
    lambda counts: [name for name, count in enumerate(counts) for _ in range(count)])


@settings(max_examples=100, deadline=None)
@given(skewed, st.integers(0, 60), st.floats(0, 1), st.integers(0, 99))
def test_shares_of_classes_and_of_images_inside_them(classes, length, balance, seed):
    order = balanced_order(np.array(classes), length, balance, np.random.default_rng(seed))
    assert len(order) == length
    slots = Counter(classes[place] for place in order)
    for name, expected in expected_slots(classes, length, balance).items():
        assert abs(slots[name] - expected) < 1 + 1e-6
        uses = [list(order).count(k) for k, other in enumerate(classes) if other == name]
        assert max(uses) - min(uses) <= 1


def test_on_average_the_shares_are_exact():
    drawn = Counter()
    for seed in range(400):
        order = balanced_order(np.array(CLASSES_OF_20), 7, 0.5, np.random.default_rng(seed))
        drawn.update(CLASSES_OF_20[place] for place in order)
    for name, expected in expected_slots(CLASSES_OF_20, 7, 0.5).items():
        assert drawn[name] / 400 == pytest.approx(expected, abs=0.1)


def test_classes_come_mixed():
    order = balanced_order(np.array(CLASSES_OF_20), 60, 1., np.random.default_rng(0))
    classes = np.array(CLASSES_OF_20)[order]
    assert all(set(part) == {0, 1, 2} for part in np.split(classes, 3))


def test_every_image_comes_up_over_the_epochs():
    used = set()
    for seed in range(100):
        used |= set(balanced_order(np.array(CLASSES_OF_20), 6, 1., np.random.default_rng(seed)))
    assert used == set(range(20))


def sampler(balance, rank=0, world=1, labeled=4, unlabeled=0, epoch=0):
    data = SimpleNamespace(source_sizes=(20, 40), labeled_classes=lambda: CLASSES_OF_20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_source_sampler, 'get_dist_info', lambda: (rank, world))
        result = TwoSourceSampler(data, seed=0, balance=balance)
    result.set_sources(labeled, unlabeled)
    result.set_epoch(epoch)
    return result


@pytest.mark.parametrize('unlabeled', [0, 5])
def test_the_sampler_keeps_its_length_and_its_unlabeled_order(unlabeled):
    plain, balanced = (list(sampler(b, unlabeled=unlabeled)) for b in (0., 1.))
    assert len(plain) == len(balanced) == len(sampler(1., unlabeled=unlabeled))
    assert [i for i in plain if i >= 20] == [i for i in balanced if i >= 20]
    shares = Counter(CLASSES_OF_20[i] for i in balanced if i < 20)
    assert max(shares.values()) - min(shares.values()) <= 2
    assert [i.seed for i in plain] == [i.seed for i in balanced]


@pytest.mark.parametrize('unlabeled', [0, 5])
def test_a_resumed_epoch_goes_on_in_the_same_order(unlabeled):
    size = 4 + unlabeled
    whole, resumed = (sampler(0.5, unlabeled=unlabeled, epoch=3) for _ in range(2))
    whole = [(int(i), i.seed) for i in whole]
    resumed.skip(2)
    assert [(int(i), i.seed) for i in resumed] == whole[2 * size:]
    assert [int(i) for i in sampler(0.5, unlabeled=unlabeled, epoch=4)] != [i for i, _ in whole]


def test_ranks_share_out_what_one_process_of_their_size_draws():
    parts = [list(sampler(0.5, rank, world=2, labeled=2)) for rank in range(2)]
    alone = list(sampler(0.5, labeled=4))
    for begin in range(0, len(alone), 4):
        joint = [i for part in parts for i in part[begin // 2:begin // 2 + 2]]
        assert sorted((int(i), i.seed) for i in joint) == sorted(
            (int(i), i.seed) for i in alone[begin:begin + 4])


def test_without_balance_nobody_asks_for_classes_and_the_order_is_the_old_one():
    data = SimpleNamespace(source_sizes=(20, 40))
    one = TwoSourceSampler(data, seed=0)
    one.set_sources(4, 0)
    assert list(one) == list(sampler(0.))


@pytest.mark.parametrize('balance', [-0.1, 1.5, 'sqrt', float('nan'), True])
def test_a_balance_out_of_range(balance):
    with pytest.raises(UserError, match=r'balance must be a number in \[0, 1\], got'):
        sampler(balance)
    with pytest.raises(UserError, match=r'balance must be a number in \[0, 1\], got'):
        balanced_order(np.zeros(3, int), 3, balance, np.random.default_rng(0))


def test_the_dataset_tells_the_classes_of_its_labeled_images_only():
    view = [dict(type='LoadFace'), dict(type='PackFace')]
    data = SemiSupervisedDataset(
        dict(type='TinyFaces', data_root=None), view, None, dict(per_class=PER_CLASS, seed=0))
    classes = data.labeled_classes()
    assert len(classes) == PER_CLASS * len(CLASSES)
    assert classes.tolist() == [int(data[i]['data_samples'].gt_label) for i in range(len(data))]
