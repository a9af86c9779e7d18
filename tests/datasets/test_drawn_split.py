"""Which images are labeled: the same everywhere, and nested."""
import hashlib
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.splits import split_hash
from ssfer_mm.errors import UserError
from support.toy_split import CLASSES, data, draw

counts_of = st.lists(st.integers(1, 60), min_size=2, max_size=3)
percents = st.integers(1, 100)
seeds = st.integers(0, 99)


@settings(max_examples=40, deadline=None)
@given(counts_of, percents, seeds)
def test_size_of_every_class_is_the_rounded_share_and_never_zero(counts, percent, seed):
    split = draw(counts, fraction=percent / 100, seed=seed)
    for label, n in enumerate(counts):
        # Half up, in exact arithmetic.
        expected = max(1, int(Fraction(percent * n, 100) + Fraction(1, 2)))
        own = [id_ for id_ in split.labeled if id_.startswith(f'{label}/')]
        assert len(own) == expected
        assert split.counts[CLASSES[label]] == (expected, n)


@pytest.mark.parametrize('total, fraction, labeled', [
    (10, 0.25, 3), (14, 0.25, 4), (50, 0.29, 15), (50, 0.33, 17), (58, 0.25, 15)])
def test_halves_round_up(total, fraction, labeled):
    assert draw((total, 1, 1), fraction=fraction).counts[CLASSES[0]] == (labeled, total)


@settings(max_examples=40, deadline=None)
@given(counts_of, percents, percents, seeds)
def test_a_larger_fraction_contains_a_smaller_one(counts, a, b, seed):
    small, large = sorted((a, b))
    assert set(draw(counts, fraction=small / 100, seed=seed).labeled) <= set(
        draw(counts, fraction=large / 100, seed=seed).labeled)


@settings(max_examples=20, deadline=None)
@given(counts_of, percents, seeds, st.randoms())
def test_order_of_the_data_does_not_matter(counts, percent, seed, shuffler):
    pairs = list(zip(*data(*counts)))
    shuffler.shuffle(pairs)
    ids, labels = zip(*pairs)
    again = draw_split('Toy', CLASSES[:len(counts)], ids, labels, fraction=percent / 100,
                          seed=seed)
    assert again == draw(counts, fraction=percent / 100, seed=seed)


def test_draw_is_the_documented_one():
    ids, _ = data(50)
    by_hash = sorted(ids, key=lambda id_: hashlib.sha256(f'7:{id_}'.encode()).hexdigest())
    assert set(draw((50,), per_class=5, seed=7).labeled) == set(by_hash[:5])


def test_draw_is_the_same_on_every_machine_and_in_every_release():
    # Written down once: published splits must never move.
    ids, labels = [f'{i}.png' for i in range(100)], [i % 2 for i in range(100)]
    split = draw_split('Toy', ('a', 'b'), ids, labels, fraction=0.06, seed=1)
    assert split.labeled == ('15.png', '24.png', '33.png', '35.png', '54.png', '56.png')
    assert split_hash(split).startswith('229ce9d36552d1146cd5c6ef3a9dd8f9')


def test_a_whole_number_is_one_however_it_is_written():
    assert draw(fraction=0.3, seed=1.0) == draw(fraction=0.3, seed=1)


def test_seeds_differ():
    assert draw(fraction=0.2, seed=0).labeled != draw(fraction=0.2, seed=1).labeled


@pytest.mark.parametrize('how, part', [
    (dict(), 'either fraction or per_class'),
    (dict(fraction=0.1, per_class=3), 'either fraction or per_class'),
    (dict(fraction=0), 'fraction is 0'),
    (dict(fraction=5), 'fraction=0.05'),
    (dict(fraction=-0.1), '(0, 1]'),
    (dict(fraction=float('nan')), '(0, 1]'),
    (dict(fraction='5%'), '(0, 1]'),
    (dict(per_class=0), '1 or more'),
    (dict(per_class=2.5), 'whole number'),
    (dict(per_class=4), "'rare' has 3 images"),
    (dict(fraction=0.1, seed='x'), 'seed'),
    (dict(fraction=0.1, seed=float('nan')), 'seed'),
    (dict(fraction=0.1, seed=float('inf')), 'seed'),
])
def test_impossible_requests(how, part):
    with pytest.raises(UserError) as caught:
        draw(**how)
    assert part in str(caught.value) and '\n' not in str(caught.value)


def test_class_without_images_is_named():
    with pytest.raises(UserError, match="'rare' has no image"):
        draw((5, 5, 0), fraction=0.5)


@pytest.mark.parametrize('ids, labels, part', [
    (['a', 'a'], [0, 1], 'unique'), (['a', 'b'], [0], 'one label each'),
    (['a', 'b'], [0, 3], 'label 3'), (['a', 'b'], [0, -1], 'label -1'),
])
def test_ids_and_labels_must_fit(ids, labels, part):
    with pytest.raises(UserError, match=part):
        draw_split('Toy', CLASSES, ids, labels, fraction=0.5)


@pytest.mark.parametrize('k', [1, 2, 17, 299, 300])
@pytest.mark.parametrize('seed', [0, 7])
def test_labeled_are_those_with_the_lowest_hashes(k, seed):
    ids = [f'face{i}.png' for i in range(300)]
    split = draw_split('toy', ('a', ), ids, [0] * 300, per_class=k, seed=seed)
    slowly = sorted(ids, key=lambda id_: hashlib.sha256(f'{seed}:{id_}'.encode()).hexdigest())[:k]
    assert list(split.labeled) == sorted(slowly)
