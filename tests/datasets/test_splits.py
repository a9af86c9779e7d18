"""Which images are labeled: the same everywhere, nested, and never for other data."""
import hashlib
import json
import os
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssfer_mm.datasets import splits as sp
from ssfer_mm.errors import UserError

CLASSES = ('happy', 'sad', 'rare')


def data(*counts, prefix=''):
    """Ids and labels of a dataset with so many images per class."""
    pairs = [(f'{prefix}{label}/{i:04d}.png', label) for label, n in enumerate(counts)
             for i in range(n)]
    return [id_ for id_, _ in pairs], [label for _, label in pairs]


def draw(counts=(40, 30, 3), prefix='', **how):
    ids, labels = data(*counts, prefix=prefix)
    return sp.draw_split('Toy', CLASSES[:len(counts)], ids, labels, **how)


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
    again = sp.draw_split('Toy', CLASSES[:len(counts)], ids, labels, fraction=percent / 100,
                          seed=seed)
    assert again == draw(counts, fraction=percent / 100, seed=seed)


def test_draw_is_the_documented_one():
    ids, _ = data(50)
    by_hash = sorted(ids, key=lambda id_: hashlib.sha256(f'7:{id_}'.encode()).hexdigest())
    assert set(draw((50,), per_class=5, seed=7).labeled) == set(by_hash[:5])


def test_draw_is_the_same_on_every_machine_and_in_every_release():
    # Written down once: published splits must never move.
    ids, labels = [f'{i}.png' for i in range(100)], [i % 2 for i in range(100)]
    split = sp.draw_split('Toy', ('a', 'b'), ids, labels, fraction=0.06, seed=1)
    assert split.labeled == ('15.png', '24.png', '33.png', '35.png', '54.png', '56.png')
    assert sp.split_hash(split).startswith('229ce9d36552d1146cd5c6ef3a9dd8f9')


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
        sp.draw_split('Toy', CLASSES, ids, labels, fraction=0.5)


@pytest.mark.parametrize('how', [dict(fraction=0.1), dict(per_class=2, seed=3),
                                 dict(fraction=1)])
def test_file_gives_back_the_same_split(tmp_path, how):
    split, path = draw(**how), str(tmp_path / 'new' / 'split.json')
    sp.save_split(split, path)
    again = sp.load_split(path)
    assert again == split and sp.split_hash(again) == sp.split_hash(split)
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['split.json']


def test_ids_need_not_be_utf_8(tmp_path):
    path = str(tmp_path / 'split.json')
    split = sp.draw_split('toy', ('a',), ['caf\udce9.png', 'b.png'], [0, 0], fraction=1.)
    sp.save_split(split, path)
    assert sp.load_split(path) == split


def test_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = str(tmp_path / 'split.json')
    sp.save_split(draw(fraction=0.1), path)

    def fail(*args, **kwargs):
        raise OSError('disk full')
    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError):
        sp.save_split(draw(fraction=0.2), path)
    assert sp.load_split(path) == draw(fraction=0.1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize('key, value', [
    ('seed', 5), ('fraction', 0.2), ('dataset', 'Other'), ('data_hash', '0' * 64),
    ('labeled', ['0/0000.png']), ('counts', {'happy': [1, 40], 'sad': [1, 30], 'rare': [1, 3]}),
    ('format', 'ssfer_mm split 9'), ('hash', None),
])
def test_tampered_file_is_refused(tmp_path, key, value):
    path = tmp_path / 'split.json'
    sp.save_split(draw(fraction=0.1), str(path))
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UserError, match='was changed after.*make_split.py'):
        sp.load_split(str(path))


@pytest.mark.parametrize('text', ['', 'no json', '[]', '{}', '{"hash": 1, "format": 2}', '3'])
def test_other_files_are_no_splits(tmp_path, text):
    path = tmp_path / 'split.json'
    path.write_text(text)
    with pytest.raises(UserError, match='not a split file.*make_split.py'):
        sp.load_split(str(path))


def test_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match='does not exist.*make_split.py CONFIG .*--out'):
        sp.load_split(str(tmp_path / 'none.json'))


@pytest.mark.parametrize('dataset, classes, counts, prefix, part', [
    ('Other', CLASSES, (40, 30, 3), '', 'made for Toy, the data is Other'),
    ('Toy', ('sad', 'happy', 'rare'), (40, 30, 3), '', 'classes'),
    ('Toy', CLASSES, (40, 30, 3), 'x', "an id of the data: 'x0/0000.png'"),
    ('Toy', CLASSES, (41, 30, 3), '', 'it saw 73 images, here are 74'),
])
def test_split_for_other_data_is_refused(dataset, classes, counts, prefix, part):
    ids, labels = data(*counts, prefix=prefix)
    with pytest.raises(UserError) as caught:
        sp.check_split(draw(fraction=0.1), dataset, classes, ids, labels)
    message = str(caught.value)
    assert part in message and 'tools/make_split.py' in message and '\n' not in message


def test_one_changed_label_is_noticed():
    ids, labels = data(40, 30, 3)
    labels[0] = 1
    with pytest.raises(UserError, match='made for other data'):
        sp.check_split(draw(fraction=0.1), 'Toy', CLASSES, ids, labels)


def test_check_accepts_its_own_data_in_any_order():
    pairs = list(zip(*data(40, 30, 3)))
    random.Random(0).shuffle(pairs)
    ids, labels = zip(*pairs)
    assert sp.check_split(draw(fraction=0.1), 'Toy', CLASSES, ids, labels) is None


def resolve(cfg, counts=(40, 30, 3)):
    return sp.resolve_split(cfg, 'Toy', CLASSES, *data(*counts))


def test_resolve_takes_a_split_a_file_or_a_recipe(tmp_path):
    split, path = draw(fraction=0.1, seed=2), str(tmp_path / 'split.json')
    recipe = dict(fraction=0.1, seed=2)
    assert resolve(split) == resolve(recipe) == resolve(dict(recipe, file=path)) == split
    assert not (tmp_path / 'split.json').exists()
    sp.save_split(draw(fraction=0.1, seed=2), path)
    assert resolve(path) == resolve(dict(file=path)) == resolve(dict(recipe, file=path)) == split


def test_resolve_prefers_the_file_but_never_against_the_recipe(tmp_path):
    path = str(tmp_path / 'split.json')
    sp.save_split(draw(fraction=0.2), path)
    with pytest.raises(UserError, match='has fraction=0.2, the config asks for fraction=0.1'):
        resolve(dict(fraction=0.1, file=path))
    seed = resolve(path).seed
    with pytest.raises(UserError, match=f'has seed={seed}, the config asks for seed={seed + 1}'):
        resolve(dict(fraction=0.2, seed=seed + 1, file=path))


@pytest.mark.parametrize('cfg, part', [
    (dict(fracton=0.1), 'fracton'), (dict(seed=1), 'either fraction or per_class'),
    (dict(file='/none.json'), "file '/none.json' does not exist"),
    (dict(file='/none.json', seed=1), 'either fraction or per_class')])
def test_resolve_refuses_a_recipe_that_it_does_not_understand(cfg, part):
    with pytest.raises(UserError, match=part):
        resolve(cfg)


def test_resolve_checks_the_data():
    with pytest.raises(UserError, match='made for other data'):
        resolve(draw(fraction=0.1), counts=(40, 31, 3))


def test_table_adds_up():
    lines = sp.split_table(draw(fraction=0.1)).splitlines()
    assert [line.split()[0] for line in lines] == ['class', *CLASSES, 'total']
    assert lines[-1].split()[1:3] == ['8', '73']


@pytest.mark.parametrize('k', [1, 2, 17, 299, 300])
@pytest.mark.parametrize('seed', [0, 7])
def test_labeled_are_those_with_the_lowest_hashes(k, seed):
    ids = [f'face{i}.png' for i in range(300)]
    split = sp.draw_split('toy', ('a', ), ids, [0] * 300, per_class=k, seed=seed)
    slowly = sorted(ids, key=lambda id_: hashlib.sha256(f'{seed}:{id_}'.encode()).hexdigest())[:k]
    assert list(split.labeled) == sorted(slowly)
