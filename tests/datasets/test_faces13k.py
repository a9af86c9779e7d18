"""Faces13k: what its list says, without what the list contradicts."""
import pytest

from ssfer_mm.datasets import Faces13k
from ssfer_mm.datasets.faces13k import person
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import AFFECTNET7, AFFECTNET8
from support.layouts import face, write_csv, write_image


def make(root, rows, header=('user.id', 'image', 'emotion')):
    write_csv(root / 'legend.csv', [header, *[(1, *row) for row in rows]])
    for name in {row[0] for row in rows}:
        write_image(root / 'images' / name, face('train', 0, 'neutral', 16).image)
    return str(root)


ROWS = [('Ann_0001.jpg', 'happiness'), ('Ann_0002.jpg', 'Anger'), ('Bo_Li_0001.jpg', 'contempt'),
        ('Cy_0001.jpg', 'fear'), ('Cy_0001.jpg', 'fear'), ('Di_0001.jpg', 'sadness'),
        ('Di_0001.jpg', 'surprise')]


@pytest.mark.parametrize('num_classes, more', [(7, {}), (8, {'Bo_Li_0001.jpg': 'contempt'})])
def test_repetitions_count_once_and_contradictions_not_at_all(tmp_path, num_classes, more):
    data = Faces13k(make(tmp_path, ROWS), num_classes=num_classes)
    classes = data.metainfo['classes']
    assert classes == (AFFECTNET7 if num_classes == 7 else AFFECTNET8)
    assert dict(zip(data.ids(), [classes[i] for i in data.labels()])) == {
        'Ann_0001.jpg': 'happiness', 'Ann_0002.jpg': 'anger', 'Cy_0001.jpg': 'fear', **more}


def test_train_and_test_show_different_people(tmp_path):
    rows = [(f'P{number}_{k:04d}.jpg', 'neutral') for number in range(20) for k in range(3)]
    root = make(tmp_path, rows)
    parts = {name: Faces13k(root, name).ids() for name in ('all', 'train', 'test')}
    people = {name: {person(id_) for id_ in ids} for name, ids in parts.items()}
    assert sorted(parts['train'] + parts['test']) == parts['all']
    assert not people['train'] & people['test'] and len(people['test']) == 4


@pytest.mark.parametrize('rows, header, message', [
    (ROWS, ('a', 'b', 'c'), 'expected a header with the columns image and emotion'),
    ([('a.jpg', 'boredom')], ('user.id', 'image', 'emotion'), "Unknown expression 'boredom'"),
])
def test_a_wrong_list_is_named(tmp_path, rows, header, message):
    with pytest.raises(UserError, match=message):
        Faces13k(make(tmp_path, rows, header))


def test_missing_files_are_named(tmp_path):
    root = make(tmp_path, ROWS)
    (tmp_path / 'images' / 'Cy_0001.jpg').unlink()
    with pytest.raises(UserError, match="the first is 'Cy_0001.jpg'"):
        Faces13k(root)
    with pytest.raises(UserError, match='legend.csv beside images'):
        Faces13k(str(tmp_path / 'images'))
    with pytest.raises(UserError, match='expected 7, or 8'):
        Faces13k(root, num_classes=6)
