"""Folders of one's own: what is no class, lies beside, or has other names."""
import numpy as np
import pytest

from ssfer_mm import datasets as ds
from ssfer_mm.expressions import AFFECTNET7
from support import layouts
from support.refusals import refuses


def test_unknown_class_folder_gives_the_closest(tmp_path):
    layouts.make_class_folders(tmp_path, 1, 1, names={'fear': 'feer'})
    with refuses("'feer'", 'fear', 'classes='):
        ds.ClassFolders(str(tmp_path))
    with refuses("'feer'", 'fear'):
        ds.ClassFolders(str(tmp_path), classes=AFFECTNET7)


def test_thumbnails_of_a_nas_are_no_class(tmp_path):
    truth = layouts.make_class_folders(tmp_path, 1, style='direct')
    for folder in (tmp_path, tmp_path / 'anger'):
        layouts.write_image(folder / '@eaDir' / '0000.png' / 'SYNOPHOTO_THUMB_M.jpg',
                            np.zeros((4, 4, 3), np.uint8))
    assert ds.ClassFolders(str(tmp_path)).ids() == sorted(truth)


@pytest.mark.parametrize('beside, classes, told', [
    ('sad', None, True), ('validation', None, True), ('notes', None, False),
    ('Grin', ('grin', 'frown'), True), ('Grin', None, False)])
def test_folders_beside_the_subsets_are_told(tmp_path, monkeypatch, beside, classes, told):
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.class_folders.print_log',
                        lambda text, **options: said.append(text))
    names = classes or ('happy', 'sad')
    for folder in ('train', 'val'):
        for name in names:
            layouts.write_image(tmp_path / folder / name / '1.png', np.zeros((4, 4, 3), np.uint8))
    (tmp_path / beside).mkdir()
    assert len(ds.ClassFolders(str(tmp_path), classes=classes)) == 2
    assert [f"{beside!r} in {str(tmp_path)!r} not used: only 'train' and 'val' there are" in text
            for text in said] == [True] * told


@pytest.mark.parametrize('make, style, name, train', [
    ('make_class_folders', 'subsets', 'ClassFolders', 'train'),
    ('make_class_folders', 'direct', 'ClassFolders', ''),
    ('make_rafdb', 'class_folders', 'RAFDB', 'DATASET/train')])
def test_images_beside_the_class_folders_are_told(tmp_path, monkeypatch, make, style, name, train):
    getattr(layouts, make)(tmp_path, 1, 1, style=style)
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.class_folders.print_log',
                        lambda text, **_: said.append(text))
    assert len(getattr(ds, name)(str(tmp_path))) == 7 and said == []
    for dropped in ('b.jpg', 'a.png', '.hidden.png', 'notes.txt'):
        (tmp_path / train / dropped).write_bytes(b'any')
    assert len(getattr(ds, name)(str(tmp_path))) == 7
    assert len(said) == 1 and f"{name}: 2 images directly in '{tmp_path / train}" in said[0]
    assert "such as 'a.png'" in said[0] and 'folder of its class' in said[0]


@pytest.mark.parametrize('classes, parts', [
    (('happy', 'sad'), ["'angry' is none of the 2 classes (happy, sad)", 'move it elsewhere']),
    (('happy', 'angri', 'sad'), ["'angry' is none of the 3", 'is it angri?', 'Rename']),
    ('happy', ["classes is 'happy', expected a list of names"]),
    (('happy', 3), ["('happy', 3), expected a list of names"]),
])
def test_class_folders_with_other_classes(tmp_path, classes, parts):
    for name in ('happy', 'angry', 'sad'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '0.png').touch()
    with refuses(*parts):
        ds.ClassFolders(str(tmp_path), classes=classes)
