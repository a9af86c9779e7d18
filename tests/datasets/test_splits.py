"""A split is kept as a file that nobody changes unseen, and used for its own data only."""
import json
import os
import random

import pytest

from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.splits import check_split, load_split, save_split, split_hash, split_table
from ssfer_mm.errors import UserError
from support.toy_split import CLASSES, data, draw


@pytest.mark.parametrize('how', [dict(fraction=0.1), dict(per_class=2, seed=3),
                                 dict(fraction=1)])
def test_file_gives_back_the_same_split(tmp_path, how):
    split, path = draw(**how), str(tmp_path / 'new' / 'split.json')
    save_split(split, path)
    again = load_split(path)
    assert again == split and split_hash(again) == split_hash(split)
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['split.json']


def test_ids_need_not_be_utf_8(tmp_path):
    path = str(tmp_path / 'split.json')
    split = draw_split('toy', ('a',), ['caf\udce9.png', 'b.png'], [0, 0], fraction=1.)
    save_split(split, path)
    assert load_split(path) == split


def test_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = str(tmp_path / 'split.json')
    save_split(draw(fraction=0.1), path)

    def fail(*args, **kwargs):
        raise OSError('disk full')
    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError):
        save_split(draw(fraction=0.2), path)
    assert load_split(path) == draw(fraction=0.1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize('key, value', [
    ('seed', 5), ('fraction', 0.2), ('dataset', 'Other'), ('data_hash', '0' * 64),
    ('labeled', ['0/0000.png']), ('counts', {'happy': [1, 40], 'sad': [1, 30], 'rare': [1, 3]}),
    ('format', 'ssfer_mm split 9'), ('hash', None),
])
def test_tampered_file_is_refused(tmp_path, key, value):
    path = tmp_path / 'split.json'
    save_split(draw(fraction=0.1), str(path))
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UserError, match='was changed after.*make_split.py'):
        load_split(str(path))


@pytest.mark.parametrize('text', ['', 'no json', '[]', '{}', '{"hash": 1, "format": 2}', '3'])
def test_other_files_are_no_splits(tmp_path, text):
    path = tmp_path / 'split.json'
    path.write_text(text)
    with pytest.raises(UserError, match='not a split file.*make_split.py'):
        load_split(str(path))


def test_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match='does not exist.*make_split.py CONFIG .*--out'):
        load_split(str(tmp_path / 'none.json'))


@pytest.mark.parametrize('dataset, classes, counts, prefix, part', [
    ('Other', CLASSES, (40, 30, 3), '', 'made for Toy, the data is Other'),
    ('Toy', ('sad', 'happy', 'rare'), (40, 30, 3), '', 'classes'),
    ('Toy', CLASSES, (40, 30, 3), 'x', "an id of the data: 'x0/0000.png'"),
    ('Toy', CLASSES, (41, 30, 3), '', 'it saw 73 images, here are 74'),
])
def test_split_for_other_data_is_refused(dataset, classes, counts, prefix, part):
    ids, labels = data(*counts, prefix=prefix)
    with pytest.raises(UserError) as caught:
        check_split(draw(fraction=0.1), dataset, classes, ids, labels)
    message = str(caught.value)
    assert part in message and 'tools/make_split.py' in message and '\n' not in message


def test_one_changed_label_is_noticed():
    ids, labels = data(40, 30, 3)
    labels[0] = 1
    with pytest.raises(UserError, match='made for other data'):
        check_split(draw(fraction=0.1), 'Toy', CLASSES, ids, labels)


def test_check_accepts_its_own_data_in_any_order():
    pairs = list(zip(*data(40, 30, 3)))
    random.Random(0).shuffle(pairs)
    ids, labels = zip(*pairs)
    assert check_split(draw(fraction=0.1), 'Toy', CLASSES, ids, labels) is None


def test_a_file_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    save_split(draw(fraction=0.1), '~/split.json')
    assert load_split('~/split.json') == load_split(str(tmp_path / 'split.json'))


def test_table_adds_up():
    lines = split_table(draw(fraction=0.1)).splitlines()
    assert [line.split()[0] for line in lines] == ['class', *CLASSES, 'total']
    assert lines[-1].split()[1:3] == ['8', '73']
