"""Wrong data: one line that names what is wrong, and never another image in its place."""
import json

import numpy as np
import pytest

from ssfer_mm import datasets as ds
from ssfer_mm.transforms import LoadFace
from support import layouts
from support.refusals import refuses

LABELED = {'RAFDB': 'make_rafdb', 'FERPlus': 'make_ferplus', 'AffectNet': 'make_affectnet',
           'FER2013': 'make_fer2013', 'ClassFolders': 'make_class_folders'}
ALL = [*LABELED, 'UnlabeledFaces']


@pytest.mark.parametrize('name', ALL)
def test_missing_root(tmp_path, name):
    with refuses('no-such-folder', 'does not exist', 'data_root'):
        getattr(ds, name)(str(tmp_path / 'no-such-folder'))


@pytest.mark.parametrize('name', ALL)
def test_a_file_for_a_root(tmp_path, name):
    (tmp_path / 'faces.zip').write_bytes(b'PK')
    with refuses('faces.zip', 'is a file', 'unpack'):
        getattr(ds, name)(str(tmp_path / 'faces.zip'))


@pytest.mark.parametrize('name', ALL)
@pytest.mark.parametrize('root', ['', None])
def test_no_root(name, root):
    with refuses('data_root'):
        getattr(ds, name)(root)


@pytest.mark.parametrize('name, expected', [
    ('RAFDB', 'EmoLabel/list_patition_label.txt'), ('FERPlus', 'FER2013Train/label.csv'),
    ('AffectNet', 'training.csv'), ('FER2013', 'fer2013.csv'), ('ClassFolders', 'folder per class'),
    ('UnlabeledFaces', 'folder of images'),
])
def test_wrong_layout_says_what_was_found_and_expected(tmp_path, name, expected):
    (tmp_path / 'readme.md').write_text('no faces here')
    with refuses('readme.md', expected):
        getattr(ds, name)(str(tmp_path))
    (tmp_path / 'readme.md').unlink()
    with refuses('is empty', expected):
        getattr(ds, name)(str(tmp_path))


@pytest.mark.parametrize('name', LABELED)
def test_unknown_subset_lists_the_known(tmp_path, name):
    with refuses("'trian'", 'train'):
        getattr(ds, name)(str(tmp_path), 'trian')


def test_ferplus_without_its_test_part_names_it(tmp_path):
    layouts.make_ferplus(tmp_path, 1, 1, 0, style='folders')
    (tmp_path / 'FER2013Test' / 'label.csv').unlink()
    with refuses('FER2013Test/label.csv', 'FER2013Valid/'):
        ds.FERPlus(str(tmp_path), 'valid+test')


@pytest.mark.parametrize('make, name, file, old, new, parts', [
    ('make_rafdb', 'RAFDB', 'EmoLabel/list_patition_label.txt', 'train_00001.jpg 6',
     'train_00001.jpg 8', ("'8'", 'line 1', '1 to 7')),
    ('make_rafdb', 'RAFDB', 'EmoLabel/list_patition_label.txt', 'train_00002.jpg 3',
     'train_00002.jpg', ('line 2', 'train_00001.jpg 5')),
    ('make_fer2013', 'FER2013', 'fer2013.csv', '\n6,', '\n7,', ("'7'", 'line 2', '0 to 6')),
    ('make_fer2013', 'FER2013', 'fer2013.csv', 'emotion,', 'feeling,', ('emotion', 'missing')),
    ('make_affectnet', 'AffectNet', 'training.csv', ',8,0.1', ',11,0.1', ("'11'", '0 to 10')),
    ('make_affectnet', 'AffectNet', 'training.csv', ',NULL,NULL', '', ('columns', 'line')),
    ('make_ferplus', 'FERPlus', 'FER2013Train/label.csv', '48)"', '48)",1', ('line 1', '13')),
    ('make_ferplus', 'FERPlus', 'FER2013Train/label.csv', '"(0, 0, 48, 48)"', 'box',
     ('line 1', "'box'")),
])
def test_damaged_label_file_names_the_line(tmp_path, make, name, file, old, new, parts):
    getattr(layouts, make)(tmp_path, 1, 1)
    path = tmp_path / file
    text = path.read_text().replace('\r\n', '\n')
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with refuses(*parts):
        getattr(ds, name)(str(tmp_path))


def test_fer2013_pixels_that_are_no_image(tmp_path):
    # The last one took a regular expression hours.
    for pixels in ('1 2 3', '1 2 3 256', '1 2 x 4', '', '128 ' * 2303 + 'x'):
        layouts.write_csv(tmp_path / 'fer2013.csv',
                          [('emotion', 'pixels', 'Usage'), (0, pixels, 'Training')])
        with refuses('line 2', 'no square grey image'):
            ds.FER2013(str(tmp_path))


def test_ferplus_csv_pair_of_different_lengths(tmp_path):
    layouts.make_ferplus(tmp_path, 1, 1, 1, style='csv')
    path = tmp_path / 'fer2013new.csv'
    path.write_text('\n'.join(path.read_text().splitlines()[:-1]))
    with refuses('rows', 'fer2013new.csv', 'correspond'):
        ds.FERPlus(str(tmp_path))


@pytest.mark.parametrize('make, style, name, image', [
    ('make_rafdb', 'official', 'RAFDB', 'Image/aligned/train_00003_aligned.jpg'),
    ('make_ferplus', 'folders', 'FERPlus', 'FER2013Train/fer0000003.png'),
    ('make_affectnet', 'npy', 'AffectNet', 'train_set/images/3.jpg'),
])
def test_missing_image_is_named_at_once(tmp_path, make, style, name, image):
    getattr(layouts, make)(tmp_path, 1, 1, style=style)
    (tmp_path / image).unlink()
    with refuses('1 of', image.split('/')[-1]):
        getattr(ds, name)(str(tmp_path))


def test_rafdb_class_folder_out_of_range(tmp_path):
    layouts.make_rafdb(tmp_path, 1, 1, style='class_folders')
    (tmp_path / 'DATASET/train/7').rename(tmp_path / 'DATASET/train/8')
    with refuses("'8'", '1 to 7'):
        ds.RAFDB(str(tmp_path))


def test_label_out_of_range_from_a_new_dataset(tmp_path):
    class Broken(ds.FERDataset):
        METAINFO = dict(dataset_name='Broken', classes=('a', 'b'))

        def load_samples(self):
            return [ds.Sample(id='x.png', label=2, image=np.zeros((4, 4), np.uint8))]
    with refuses("'x.png'", 'label 2', '0 to 1', 'a, b'):
        Broken(str(tmp_path))


def test_repeated_id(tmp_path):
    layouts.make_ferplus(tmp_path, 1, 1, 1)
    path = tmp_path / 'FER2013Train/label.csv'
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + '\n')
    with refuses('fer0000001.png', 'twice'):
        ds.FERPlus(str(tmp_path))


@pytest.mark.parametrize('test_mode', [False, True])
def test_unreadable_image_is_named_and_never_replaced(tmp_path, test_mode):
    layouts.make_class_folders(tmp_path, 1, style='direct')
    (tmp_path / 'anger/0006.png').write_bytes(b'')
    dataset = ds.ClassFolders(str(tmp_path), pipeline=[LoadFace()], test_mode=test_mode)
    with refuses('anger/0006.png'):
        dataset[dataset.ids().index('anger/0006.png')]


@pytest.mark.parametrize('test_mode', [False, True])
def test_a_pipeline_that_drops_an_image_is_an_error(tmp_path, test_mode):
    layouts.make_class_folders(tmp_path, 1, style='direct')
    dataset = ds.ClassFolders(str(tmp_path), pipeline=[lambda results: None], test_mode=test_mode)
    with refuses(dataset.ids()[3]):
        dataset[3]


def test_boxes_that_the_dataset_does_not_have(tmp_path):
    layouts.make_rafdb(tmp_path, 1, 1)
    with refuses('RAFDB', "boxes='dataset'"):
        ds.RAFDB(str(tmp_path), boxes='dataset')
    assert np.isnan(ds.RAFDB(str(tmp_path))[0]['face_box']).all()


def test_box_file_reaches_its_image_and_only_it(tmp_path):
    layouts.make_rafdb(tmp_path, 1, 1)
    path = tmp_path / 'boxes.jsonl'
    path.write_text(json.dumps({'image': 'train/train_00002_aligned.jpg', 'width': 48,
                                'height': 48, 'boxes': [[1, 2, 30, 40]], 'scores': [0.9],
                                'detector': 'test'}) + '\n')
    dataset = ds.RAFDB(str(tmp_path), boxes=str(path))
    assert dataset[1]['face_box'].tolist() == [1, 2, 30, 40]
    assert np.isnan(dataset[0]['face_box']).all()


def test_a_dataset_that_names_no_classes():
    class Mine(ds.FERDataset):
        label = 0

        def load_samples(self):
            return [ds.Sample('a', self.label, image=np.zeros((4, 4, 3), np.uint8))]

    class MineNamed(Mine):
        METAINFO = dict(dataset_name='named')

    with refuses('Mine has labels and names no classes', 'METAINFO = dict(classes=(', 'class Mine'):
        Mine(None)
    with refuses('named has labels and names no classes', 'class MineNamed'):
        MineNamed(None)
    Mine.METAINFO = dict(classes=('a', 'b'))
    assert Mine(None).metainfo['dataset_name'] == 'Mine' == Mine(None).name
    Mine.label, Mine.METAINFO = None, {}
    assert len(Mine(None)) == 1, 'no labels, no classes'
