"""Wrong data: one line that names what is wrong, and never another image in its place."""
import contextlib
import json

import numpy as np
import pytest

from ssfer_mm import datasets as ds
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import AFFECTNET7
from ssfer_mm.transforms import LoadFace, PackImage
from support import layouts

LABELED = {'RAFDB': 'make_rafdb', 'FERPlus': 'make_ferplus', 'AffectNet': 'make_affectnet',
           'FER2013': 'make_fer2013', 'ClassFolders': 'make_class_folders'}
ALL = [*LABELED, 'UnlabeledFaces']


@contextlib.contextmanager
def refuses(*parts):
    """Expects a UserError of one line that contains all parts."""
    with pytest.raises(UserError) as caught:
        yield
    message = str(caught.value)
    assert '\n' not in message
    assert [part for part in parts if part not in message] == [], message


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


def test_unknown_class_folder_gives_the_closest(tmp_path):
    layouts.make_class_folders(tmp_path, 1, 1, names={'fear': 'feer'})
    with refuses("'feer'", 'fear', 'classes='):
        ds.ClassFolders(str(tmp_path))
    with refuses("'feer'", 'fear'):
        ds.ClassFolders(str(tmp_path), classes=AFFECTNET7)


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


def test_unlabeled_skips_to_the_next_readable_image_and_warns_once(tmp_path, monkeypatch):
    names = layouts.make_unlabeled(tmp_path, 4)
    for broken in names[1:3]:
        (tmp_path / broken).write_bytes(b'not an image')
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.unreadable.print_log',
                        lambda text, **_: said.append(text))
    dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()])
    assert [dataset[1]['img_path'] for _ in range(2)] == [str(tmp_path / names[3])] * 2
    assert len(said) == 2 and names[1] in said[0] and '2 skipped' in said[1]
    with refuses(names[1]):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()], on_unreadable='error')[1]


def test_unlabeled_names_what_it_skipped_for_the_list(tmp_path):
    names = layouts.make_unlabeled(tmp_path, 4)
    for broken in names[1:3]:
        (tmp_path / broken).write_bytes(b'not an image')
    dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace(), PackImage()])
    assert dataset[1]['data_samples'].unreadable == tuple(str(tmp_path / n) for n in names[1:3])
    assert dataset[3]['data_samples'].unreadable == ()


def test_unlabeled_stops_past_a_share_of_unreadable_images(tmp_path):
    names = layouts.make_unlabeled(tmp_path, 20)
    (tmp_path / names[7]).write_bytes(b'not an image')
    said = {}
    for share in (0.06, 0.04):
        dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()], max_unreadable=share)
        try:
            for index in range(200):
                said[share] = dataset[index % 20]['img_path']
        except UserError as error:
            said[share] = str(error)
    # One of 20.
    assert said[0.06] == str(tmp_path / names[19])
    assert '6 of 108 images read' in said[0.04] and names[7] in said[0.04]
    with refuses('max_unreadable must be a number in [0, 1], got 2'):
        ds.UnlabeledFaces(str(tmp_path), max_unreadable=2)


def test_unlabeled_counts_a_row_of_damaged_images_once(tmp_path):
    """As a copy leaves it that broke off. Each of the row has all behind it as its substitutes."""
    names = layouts.make_unlabeled(tmp_path, 120)
    for broken in names[10:16]:
        (tmp_path / broken).write_bytes(b'')
    settings = dict(pipeline=[LoadFace()], max_unreadable=0.055)
    dataset = ds.UnlabeledFaces(str(tmp_path), **settings)
    paths = [dataset[index]['img_path'] for index in range(120)]
    assert paths[10:16] == [str(tmp_path / names[16])] * 6
    (tmp_path / names[16]).write_bytes(b'')
    with refuses('7 images in a row, of 120', 'max_unreadable=0.055'):
        ds.UnlabeledFaces(str(tmp_path), **settings)[10]


def test_unlabeled_with_nothing_readable_stops(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'x')
    with refuses('none of the 1 images'):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()])[0]


def test_unlabeled_does_not_hide_other_errors(tmp_path):
    layouts.make_unlabeled(tmp_path, 2)

    def wrong(results):
        raise UserError('the pipeline is wrong')
    with refuses('the pipeline is wrong'):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[wrong])[0]


def test_unlabeled_roots_must_not_overlap(tmp_path):
    layouts.make_unlabeled(tmp_path / 'x', 4)
    with refuses('twice'):
        ds.UnlabeledFaces([str(tmp_path / 'x'), str(tmp_path / 'x' / 'a')])


def test_unlabeled_has_no_labels_to_split(tmp_path):
    layouts.make_unlabeled(tmp_path, 2)
    with refuses('no labels'):
        ds.UnlabeledFaces(str(tmp_path)).labels()


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
