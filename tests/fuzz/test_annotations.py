"""Damaged label files, arrays, splits, caches and box files: an error of ours or the truth."""
import json
import os
import pickle

import numpy as np
import pytest
from hypothesis import strategies as st

from ssfer_mm import datasets as ds
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.npy_file import load_npy
from ssfer_mm.datasets.split_recipe import resolve_split
from ssfer_mm.datasets.splits import load_split, save_split
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import box_header, read_boxes, write_boxes
from ssfer_mm.faces.box_line import FaceRecord
from ssfer_mm.faces.box_lookup import boxes_of_images
from ssfer_mm.files.journal import Journal
from support import layouts
from support.damage import CASES, damaged, for_all

# data set, how its layout is made, the file that is damaged
FILES = [('RAFDB', 'make_rafdb', {}, 'EmoLabel/list_patition_label.txt'),
         ('FERPlus', 'make_ferplus', {}, 'FER2013Train/label.csv'),
         ('FERPlus', 'make_ferplus', dict(style='csv'), 'fer2013new.csv'),
         ('FER2013', 'make_fer2013', {}, 'fer2013.csv'),
         ('AffectNet', 'make_affectnet', dict(style='csv'), 'training.csv'),
         ('AffectNet', 'make_affectnet', dict(style='npy'), 'train_set/annotations/1_exp.npy')]


class MakesAFolder:
    """What a hostile pickle does when it is loaded."""

    def __init__(self, victim):
        self.victim = str(victim)

    def __reduce__(self):
        return os.mkdir, (self.victim,)


@CASES
@pytest.mark.parametrize('name, make, options, file', FILES)
def test_any_damage_to_a_label_file(tmp_path, cases, name, make, options, file):
    # Few rows of few pixels: most damage is to hit what matters.
    getattr(layouts, make)(tmp_path, 1, 1, 1, **options) if 'fer' in make else getattr(
        layouts, make)(tmp_path, 1, 1, **options)
    path = tmp_path / file
    whole = path.read_bytes()
    if name in ('FER2013',):
        head, *rows = whole.decode().splitlines()
        whole = '\n'.join([head, *(shorten(row) for row in rows)]).encode()
    classes = getattr(ds, name).METAINFO['classes']

    def check(data):
        path.write_bytes(data)
        for cache in tmp_path.glob('*/.ssfer_mm_labels.json'):
            cache.unlink()
        try:
            dataset = getattr(ds, name)(str(tmp_path), serialize_data=False)
        except UserError as error:
            assert len(str(error)) < 2000
            return
        assert len(set(dataset.ids())) == len(dataset) > 0
        assert 0 <= dataset.labels().min() and dataset.labels().max() < len(classes)
        inside = (dataset.get_data_info(k).get('img_path', '') for k in range(len(dataset)))
        assert all(name == 'AffectNet' or '..' not in os.path.relpath(p, tmp_path)
                   for p in inside if p)

    for_all(damaged(whole), cases // 2, check)


def shorten(row):
    """fer2013.csv with 2 x 2 pixels."""
    emotion, pixels, usage = row.split(',')
    return f'{emotion},{" ".join(pixels.split()[:4])},{usage}'


@pytest.mark.parametrize('row', ['1_0', '-1', '٣', '9' * 5000, '', '1.5', 'nan'])
def test_what_python_takes_for_a_number_is_no_label(tmp_path, row):
    layouts.write_csv(tmp_path / 'fer2013.csv',
                      [('emotion', 'pixels', 'Usage'), (row, '1 2 3 4', 'Training')])
    with pytest.raises(UserError, match='line 2: emotion'):
        ds.FER2013(str(tmp_path))


def test_rows_of_no_subset_and_votes_of_nobody_are_refused(tmp_path):
    layouts.write_csv(tmp_path / 'fer2013.csv',
                      [('emotion', 'pixels', 'Usage'), (1, '1 2 3 4', 'Trainin')])
    with pytest.raises(UserError, match="line 2: usage 'Trainin'"):
        ds.FER2013(str(tmp_path))
    folder = tmp_path / 'FER2013Train'
    folder.mkdir()
    layouts.write_csv(folder / 'label.csv', [('a.png', '(0, 0, 48, 48)', *[0] * 10)])
    with pytest.raises(UserError, match='not all 0'):
        ds.FERPlus(str(tmp_path))


# ---- arrays -----------------------------------------------------------------------------------


@CASES
def test_any_damage_to_an_array(tmp_path, cases):
    path = str(tmp_path / 'x.npy')
    bases = []
    for array in (np.array('3'), np.array(3.0), np.arange(4)):
        np.save(path, array)
        with open(path, 'rb') as file:
            bases.append(file.read())

    def check(data):
        with open(path, 'wb') as file:
            file.write(data)
        try:
            array = load_npy(path)
        except (ValueError, OSError):
            return
        assert array.nbytes <= len(data)

    for_all(damaged(*bases), cases * 2, check)


def test_an_array_of_objects_and_one_that_claims_to_be_huge(tmp_path):
    victim, path = tmp_path / 'victim', str(tmp_path / 'x.npy')
    np.save(path, np.array([MakesAFolder(victim)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match='could run code'):
        load_npy(path)
    assert not victim.exists()
    with open(path, 'wb') as file:
        np.lib.format.write_array_header_1_0(file, dict(
            shape=(10**11,), fortran_order=False, descr='<f8'))
    with pytest.raises(ValueError, match='0 bytes for an array'):
        load_npy(path)


# ---- splits and caches: they know what they should hold -----------------------------------------


@pytest.fixture()
def split(tmp_path):
    ids = [f'{k}.png' for k in range(6)]
    made = draw_split('toy', ('a', 'b'), ids, [0, 0, 0, 1, 1, 1], fraction=.5)
    save_split(made, str(tmp_path / 'split.json'))
    return made, ids


@CASES
def test_a_split_is_the_one_that_was_saved_or_none(tmp_path, cases, split):
    path = tmp_path / 'split.json'
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        try:
            loaded = load_split(str(path))
        except UserError:
            return
        assert loaded == split[0]

    for_all(damaged(whole), cases * 2, check)


@pytest.mark.parametrize('change', [
    dict(labeled=[1, 'a']), dict(labeled=[['x']]), dict(labeled=['a', 'a']), dict(seed='0'),
    dict(fraction=True), dict(classes=['a', 3]), dict(counts={'a': [1, float('inf')]}),
    dict(counts={})])
def test_a_split_with_a_true_hash_and_wrong_content(tmp_path, split, change):
    """As a program other than ours might write it."""
    from ssfer_mm.datasets.splits import _sha256

    path, (_, ids) = tmp_path / 'split.json', split
    content = {**json.loads(path.read_text()), **change}
    plain = {key: value for key, value in content.items() if key not in ('format', 'hash')}
    content['hash'] = _sha256(json.dumps(plain, sort_keys=True))
    path.write_text(json.dumps(content))
    with pytest.raises(UserError):
        resolve_split(str(path), 'toy', ('a', 'b'), ids, [0, 0, 0, 1, 1, 1])


@CASES
def test_the_cache_of_labels_is_believed_only_if_true(tmp_path, cases):
    layouts.make_affectnet(tmp_path, 1, 1, style='npy')
    truth = ds.AffectNet(str(tmp_path)).labels().tolist()
    cache, = tmp_path.glob('train_set/.ssfer_mm_labels.json')
    whole = cache.read_bytes()

    def check(data):
        cache.write_bytes(data)
        assert ds.AffectNet(str(tmp_path), serialize_data=False).labels().tolist() == truth

    for_all(damaged(whole), cases // 2, check)


@pytest.mark.parametrize('read', [
    load_split, read_boxes, lambda path: ds.RAFDB(path), lambda path: np.asarray(load_npy(path))])
def test_a_pickle_in_place_of_any_file_creates_nothing(tmp_path, read):
    victim, path = tmp_path / 'victim', tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(MakesAFolder(victim)))
    with pytest.raises(ValueError):  # UserError is one
        read(str(path))
    assert not victim.exists()


# ---- box files ----------------------------------------------------------------------------------

RECORDS = [FaceRecord('a.png', ((1, 2, 30, 40),), (0.9,), 48, 48, 'toy'), FaceRecord('b.png'),
           FaceRecord('c.png', ((1, 2, 3, 4), (5, 6, 7, 8)), (.5, .75))]


@CASES
@pytest.mark.parametrize('header', [None, dict(detector='toy')])
def test_any_damage_to_a_box_file(tmp_path, cases, header):
    path = tmp_path / 'boxes.jsonl'
    write_boxes(path, RECORDS, header)
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        try:
            found = boxes_of_images(path, ['a.png', 'b.png', 'c.png'], choose='largest')
        except UserError as error:
            assert '\n' not in str(error) and len(str(error)) < 2000
            return
        boxes = found.boxes
        rows = np.isfinite(boxes).all(axis=1)
        assert (rows | np.isnan(boxes).all(axis=1)).all()
        assert (boxes[rows, 2:] > boxes[rows, :2]).all()

    for_all(st.one_of(damaged(whole), st.binary(max_size=60)), cases, check)


@CASES
def test_a_job_goes_on_from_any_damaged_journal(tmp_path, cases):
    path = tmp_path / 'boxes.jsonl'
    write_boxes(path, RECORDS, dict(detector='toy'))
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        try:
            with Journal(str(path), box_header(dict(detector='toy')), json.loads) as journal:
                journal.append(['{"image": "d.png", "boxes": []}'])
        except UserError:
            return
        last = path.read_bytes().splitlines()[-1]
        assert json.loads(last) == {'image': 'd.png', 'boxes': []}

    for_all(damaged(whole), cases // 2, check)
