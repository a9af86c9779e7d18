"""What a command line names: ids are those that the datasets use."""
import numpy as np
import pytest

from ssfer_mm.datasets import ClassFolders, UnlabeledFaces
from ssfer_mm.datasets.image_sources import list_images
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_file import FaceRecord, write_boxes
from ssfer_mm.faces.box_lookup import boxes_of_images
from support.bright import picture, save
from support.layouts import make_rafdb

CONFIG = '''
train_dataloader = dict(dataset=dict(type='SemiSupervisedDataset', labeled_pipeline=[],
    dataset=dict(type='RAFDB', data_root={root!r}, boxes='nowhere.jsonl')))
val_dataloader = dict(dataset=dict(type='RAFDB', data_root={root!r}, subset='test'))
test_dataloader = dict(dataset=dict(type='SynthFER', subset='test', num_images=3, size=16,
                                    cache_dir=None))
'''


@pytest.fixture
def folder(tmp_path):
    for name in ('own/train/happy/1.png', 'own/train/sad/1.png', 'own/test/sad/2.png',
                 'own/notes/.hidden.png'):
        save(tmp_path / name, picture((20, 20)))
    (tmp_path / 'own' / 'labels.txt').write_text('')
    return tmp_path / 'own'


@pytest.fixture
def config(tmp_path):
    make_rafdb(tmp_path / 'raf', 1, 1)
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(tmp_path / 'raf')))
    return str(tmp_path / 'config.py')


def test_a_folders_ids_are_those_of_unlabeled_faces(folder, tmp_path):
    save(tmp_path / 'more' / 'own' / 'train' / 'happy' / '1.png', picture((20, 20)))
    for roots in ([str(folder)], [str(folder), str(tmp_path / 'more' / 'own')]):
        images = list_images(roots)
        assert [image.id for image in images] == UnlabeledFaces(roots).ids()
        assert all(image.content() == image.path for image in images)


@pytest.mark.parametrize('given', ['.', 'train'])
def test_a_folders_box_file_serves_class_folders(folder, tmp_path, given):
    images = list_images([str(folder / given)])
    write_boxes(tmp_path / 'b.jsonl', [FaceRecord(image.id, ((k, 0, 9, 9), ))
                                       for k, image in enumerate(images)])
    ids = ClassFolders(str(folder), subset='train').ids()
    found = boxes_of_images(tmp_path / 'b.jsonl', ids)
    assert found.report.one == len(ids) == 2
    for image, box in zip(ids, found.boxes):
        assert images[int(box[0])].path.endswith(image)


def test_a_single_file_has_the_id_it_has_in_its_folder(folder):
    inside = list_images([str(folder / 'train' / 'sad')])
    assert list_images([str(folder / 'train' / 'sad' / '1.png')])[0].id == inside[0].id


@pytest.mark.parametrize('subset, ids', [
    ('train', 'train/train_0000'), ('val', 'test/test_000'), ('test', 'test/00000')])
def test_a_configs_dataset_is_taken_with_its_ids(config, subset, ids):
    images = list_images([config], subset)
    assert len(images) == (3 if subset == 'test' else 7)
    assert all(image.id.startswith(ids) for image in images)
    kind = np.ndarray if subset == 'test' else str
    assert all(isinstance(image.content(), kind) for image in images)


def test_pixels_in_memory_are_those_of_the_dataset(config):
    images = list_images([config], 'test')
    assert np.array_equal(images[2].content(), images[0].dataset[2]['img'])


@pytest.mark.parametrize('sources, says', [
    (['nowhere'], 'nowhere is not a folder'), (['labels.txt'], 'not an image by its name'),
    (['notes'], 'no images under'), (['nowhere.py'], 'not found'),
    (['train/sad/1.png', 'train/sad'], "two images are called 'sad/1.png'")])
def test_what_cannot_be_used_is_explained(folder, monkeypatch, sources, says):
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=says):
        list_images(sources)


def test_a_config_without_the_subset_is_explained(tmp_path):
    (tmp_path / 'c.py').write_text('train_dataloader = None\n')
    with pytest.raises(UserError, match='no val_dataloader.dataset.*--subset'):
        list_images([str(tmp_path / 'c.py')], 'val')
