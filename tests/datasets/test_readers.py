"""What every dataset reads is what was drawn, whatever the layout on disk."""
import unicodedata

import cv2
import numpy as np
import pytest

from ssfer_mm import datasets as ds
from ssfer_mm import expressions as ex
from ssfer_mm.datasets.ferplus import vote_label
from ssfer_mm.errors import UserError
from ssfer_mm.images.files import scan_images
from ssfer_mm.transforms import LoadFace
from support import layouts

READERS = [
    # make, style arguments, dataset class, its arguments, subset -> prefix or usage of the ids
    ('make_rafdb', dict(style='official'), 'RAFDB', {}),
    ('make_rafdb', dict(style='official_original'), 'RAFDB', {}),
    ('make_rafdb', dict(style='class_folders'), 'RAFDB', {}),
    ('make_rafdb', dict(style='named_folders'), 'RAFDB', {}),
    ('make_ferplus', dict(style='folders'), 'FERPlus', {}),
    ('make_ferplus', dict(style='csv'), 'FERPlus', {}),
    ('make_affectnet', dict(style='csv'), 'AffectNet', {}),
    ('make_affectnet', dict(style='npy'), 'AffectNet', {}),
    ('make_fer2013', {}, 'FER2013', {}),
    ('make_class_folders', {}, 'ClassFolders', {}),
]


def read(dataset):
    """{id: canonical class name} as the dataset has it."""
    classes = dataset.metainfo['classes']
    return {id_: classes[label] for id_, label in zip(dataset.ids(), dataset.labels())}


@pytest.mark.parametrize('make, style, name, arguments', READERS)
def test_reads_every_face_with_its_class(tmp_path, make, style, name, arguments):
    counts = dict.fromkeys(ex.AFFECTNET8, 1) | {'fear': 2, 'happiness': 3}
    truth = getattr(layouts, make)(tmp_path, counts, 1, **style)
    found = {}
    for subset in getattr(ds, name).SUBSETS:
        if '+' in subset or subset == 'valid' and name == 'ClassFolders':
            continue
        found.update(read(getattr(ds, name)(str(tmp_path), subset, **arguments)))
    assert found == truth


@pytest.mark.parametrize('make, style, name, arguments', READERS)
def test_every_item_decodes_to_its_own_face(tmp_path, make, style, name, arguments):
    getattr(layouts, make)(tmp_path, 1, 1, **style)
    dataset = getattr(ds, name)(str(tmp_path), 'train', pipeline=[LoadFace()], **arguments)
    item, classes = dataset[2], dataset.metainfo['classes']
    expected = layouts.faces('train', classes, 1, 48)[item['gt_label']].image
    got = cv2.cvtColor(item['img'], cv2.COLOR_BGR2GRAY).astype(int)
    assert item['img'].shape == (48, 48, 3)
    assert np.abs(got - layouts.grey(expected)).mean() < 6  # JPEG, not another face (> 25)


def test_ferplus_layouts_agree_in_ids_labels_and_pixels(tmp_path):
    layouts.make_ferplus(tmp_path / 'a', 2, 1, 1, style='folders')
    layouts.make_ferplus(tmp_path / 'b', 2, 1, 1, style='csv')
    a, b = (ds.FERPlus(str(tmp_path / x), 'valid+test', pipeline=[LoadFace()]) for x in 'ab')
    assert a.ids() == b.ids() and (a.labels() == b.labels()).all() and len(a) == 16
    assert all((a[i]['img'] == b[i]['img']).all() for i in range(len(a)))


def test_ferplus_has_the_parts_one_after_the_other_in_any_order_of_its_rows(tmp_path):
    layouts.make_ferplus(tmp_path, 1, 1, 1, style='csv')
    expected = ds.FERPlus(str(tmp_path), 'valid+test').ids()
    for name in ('fer2013.csv', 'fer2013new.csv'):
        head, *rows = (tmp_path / name).read_text().splitlines()
        (tmp_path / name).write_text('\n'.join([head, *reversed(rows)]) + '\n')
    assert ds.FERPlus(str(tmp_path), 'valid+test').ids() == [
        *reversed(expected[:8]), *reversed(expected[8:])]


@pytest.mark.parametrize('text, box', [
    ('(2, 3, 40, 41)', [2, 3, 42, 44]), ('(5, 5, 0, 9)', [np.nan] * 4),
    ('(5, 5, 9, 0)', [np.nan] * 4)])
def test_ferplus_supplies_boxes_as_corners(tmp_path, text, box):
    layouts.make_ferplus(tmp_path, 1, 1, 1)
    table = tmp_path / 'FER2013Train' / 'label.csv'
    rows = table.read_text().splitlines()
    rows[1] = rows[1].replace('(0, 0, 48, 48)', text)  # the first row shows nobody knows what
    table.write_text('\n'.join(rows))
    np.testing.assert_array_equal(
        ds.FERPlus(str(tmp_path), boxes='dataset')[0]['face_box'], np.float32(box))


def test_rafdb_has_its_original_images_in_the_released_layout_only(tmp_path):
    layouts.make_rafdb(tmp_path, 1, 1, style='class_folders')
    with pytest.raises(UserError, match="view='original' .* has class folders"):
        ds.RAFDB(str(tmp_path), 'train', view='original')


def test_rafdb_layouts_agree_in_ids_and_labels(tmp_path):
    for style in ('official', 'class_folders', 'named_folders'):
        layouts.make_rafdb(tmp_path / style, 2, 1, style=style)
    read_in = [ds.RAFDB(str(tmp_path / s), 'train')
               for s in ('official', 'class_folders', 'named_folders')]
    assert len({tuple(zip(d.ids(), d.labels())) for d in read_in}) == 1


@pytest.mark.parametrize('votes, expected, why', [
    ([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], 'neutral', 'plain winner'),
    ([0, 0, 0, 0, 6, 0, 0, 0, 0, 4], 'anger', 'columns are not in class order'),
    ([0, 0, 5, 5, 0, 0, 0, 0, 0, 0], 'surprise', 'surprise is the column before sadness'),
    ([0, 0, 0, 0, 0, 0, 4, 4, 2, 0], 'fear', 'first of a tie'),
    ([0, 0, 0, 0, 0, 0, 0, 4, 4, 2], 'contempt', 'a class before unknown'),
    ([2, 0, 0, 0, 0, 0, 0, 0, 6, 2], None, 'unknown wins'),
    ([2, 0, 0, 0, 0, 0, 0, 0, 0, 8], None, 'no face wins'),
    ([0, 0, 0, 0, 0, 0, 0, 0, 5, 5], None, 'unknown before no face'),
])
def test_vote_label(votes, expected, why):
    assert vote_label(votes) == (None if expected is None else ex.FERPLUS8.index(expected)), why


def test_affectnet_7_drops_contempt_and_counts_it(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.affectnet.print_log',
                        lambda text, **_: said.append(text))
    layouts.make_affectnet(tmp_path, 2, 1)
    seven, eight = (ds.AffectNet(str(tmp_path), 'train', num_classes=n) for n in (7, 8))
    assert (len(seven), len(eight)) == (14, 16)
    assert set(eight.ids()) - set(seven.ids()) == {
        id_ for id_, name in read(eight).items() if name == 'contempt'}
    assert seven.metainfo['dataset_name'] == 'AffectNet7'
    assert said[0] == ('AffectNet7 train: 14 images, dropped: 2 contempt, 1 no-face, 1 none, '
                       '1 uncertain')


def test_affectnet_csv_supplies_boxes_as_corners(tmp_path):
    layouts.make_affectnet(tmp_path, 1, 1)
    dataset = ds.AffectNet(str(tmp_path), 'train', boxes='dataset')
    expected = np.round(layouts.face('train', 0, 'neutral', 48).box)
    np.testing.assert_array_equal(dataset[0]['face_box'], expected)
    assert dataset[0]['face_box'].dtype == np.float32


def test_affectnet_csv_lists_a_second_face_of_one_image_apart(tmp_path):
    layouts.make_affectnet(tmp_path, 1, 1)
    table = tmp_path / 'training.csv'
    table.write_text(table.read_text() + table.read_text().splitlines()[2] + '\n')
    ids = ds.AffectNet(str(tmp_path), 'train').ids()
    assert len(ids) == 9 and ids[-1] == ids[0] + '#2'


def test_affectnet_npy_cache_is_used_and_dropped_when_files_change(tmp_path, monkeypatch):
    layouts.make_affectnet(tmp_path, 1, 1, style='npy')
    first = ds.AffectNet(str(tmp_path), 'train').labels()
    notes = tmp_path / 'train_set' / 'annotations'
    with monkeypatch.context() as patch:
        patch.setattr('ssfer_mm.datasets.affectnet_files.load_npy',
                      lambda path: pytest.fail('read again despite the cache'))
        assert (ds.AffectNet(str(tmp_path), 'train').labels() == first).all()
    np.save(notes / '0_exp.npy', np.array('6'))  # in place: the folder itself does not change
    assert ds.AffectNet(str(tmp_path), 'train').labels()[0] == 6


def test_affectnet_npy_that_passed_through_a_mac(tmp_path):
    layouts.make_affectnet(tmp_path, 1, 1, style='npy')
    expected = read(ds.AffectNet(str(tmp_path), 'train'))
    for fork in ('annotations/._0_exp.npy', 'images/._0.jpg'):
        (tmp_path / 'train_set' / fork).write_bytes(b'\0\5\x16\7')
    assert read(ds.AffectNet(str(tmp_path), 'train')) == expected


def test_affectnet_npy_without_a_writable_folder_still_reads(tmp_path, monkeypatch):
    layouts.make_affectnet(tmp_path, 1, 1, style='npy')

    def refuse(*args, **kwargs):
        raise PermissionError('read-only')
    monkeypatch.setattr('ssfer_mm.datasets.affectnet_files.atomic_write', refuse)
    assert len(ds.AffectNet(str(tmp_path), 'train')) == 8


def test_affectnet_never_unpickles(tmp_path):
    layouts.make_affectnet(tmp_path, 1, 1, style='npy')
    np.save(tmp_path / 'train_set/annotations/0_exp.npy', np.array({'a': 1}, dtype=object),
            allow_pickle=True)
    with pytest.raises(UserError, match='0_exp.npy.*not a readable annotation'):
        ds.AffectNet(str(tmp_path), 'train')


def test_class_folders_keep_their_numbers_when_the_test_set_lacks_a_class(tmp_path):
    layouts.make_class_folders(tmp_path, 1, {'fear': 1, 'anger': 1}, names={'fear': 'Fearful'})
    test = ds.ClassFolders(str(tmp_path), 'test')
    assert test.metainfo['classes'] == ex.AFFECTNET7
    assert read(test) == {'test/Fearful/0000.png': 'fear', 'test/anger/0001.png': 'anger'}


def test_class_folders_with_own_classes_and_a_direct_root(tmp_path):
    names = {'happiness': 'Nice', 'anger': 'nasty'}
    layouts.make_class_folders(tmp_path, 1, style='direct', classes=tuple(names), names=names)
    dataset = ds.ClassFolders(str(tmp_path), classes=('nasty', 'nice'))
    assert read(dataset) == {'Nice/0000.png': 'nice', 'nasty/0001.png': 'nasty'}


@pytest.mark.parametrize('of_folder, of_config', [('NFD', 'NFC'), ('NFC', 'NFD')])
def test_class_folders_from_a_mac_match_the_names_in_the_config(tmp_path, of_folder, of_config):
    # A Mac writes an umlaut of a file name as two characters, an editor as one: both look alike.
    name = unicodedata.normalize(of_folder, 'fröhlich')
    layouts.make_class_folders(tmp_path, 1, style='direct', classes=('anger',),
                               names={'anger': name})
    classes = [unicodedata.normalize(of_config, 'fröhlich'), 'traurig']
    assert ds.ClassFolders(str(tmp_path), classes=classes).get_gt_labels().tolist() == [0]


def test_class_folders_without_a_test_folder_do_not_test_on_training_images(tmp_path):
    layouts.make_class_folders(tmp_path, 1, style='direct')
    with pytest.raises(UserError, match="expected a folder 'test'"):
        ds.ClassFolders(str(tmp_path), 'test')


def test_unlabeled_scans_several_nested_roots_in_order(tmp_path):
    names = layouts.make_unlabeled(tmp_path / 'x' / 'images', 6)
    layouts.make_unlabeled(tmp_path / 'y' / 'images', 2)
    for junk in ('._0000.jpg', 'notes.txt', '.cache/0.jpg', '__MACOSX/0.jpg'):
        path = tmp_path / 'x' / 'images' / junk
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'junk')
    dataset = ds.UnlabeledFaces([str(tmp_path / 'x/images'), str(tmp_path / 'y/images')])
    assert dataset.ids() == [f'images/{n}' for n in names] + ['images-2/0000.jpg',
                                                              'images-2/a/0001.png']
    assert 'gt_label' not in dataset[0]


def test_a_link_that_points_upwards_is_scanned_once(tmp_path):
    names = layouts.make_unlabeled(tmp_path, 3)
    (tmp_path / 'a' / 'loop').symlink_to(tmp_path)
    assert scan_images(str(tmp_path)) == names


def test_ids_labels_and_items_follow_indices(tmp_path):
    truth = layouts.make_class_folders(tmp_path, 2, style='direct')
    dataset = ds.ClassFolders(str(tmp_path), indices=[5, 1])
    everything = ds.ClassFolders(str(tmp_path)).ids()
    assert dataset.ids() == [everything[5], everything[1]]
    assert read(dataset) == {id_: truth[id_] for id_ in dataset.ids()}
