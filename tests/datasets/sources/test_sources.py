"""Every kind of store gives the same images, in every process, and says what is damaged."""
import errno
import multiprocessing
import os
import pickle
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from ssfer_mm.datasets.sources import FACE_SOURCES, Mixture, build_source
from ssfer_mm.errors import UnreadableImage, UserError
from support import stores

COUNT = 12
KINDS = ['ImageFolder', 'TarShards', 'ZipArchives', 'RecordIO', 'LMDB']


@pytest.fixture
def images():
    return [stores.jpeg(20 * number) for number in range(COUNT)]


def make(kind, tmp_path, images):
    if kind == 'LMDB':
        pytest.importorskip('lmdb')
    return dict(type=kind, **stores.write_all(tmp_path, images)[kind])


def read_all(source):
    return [source.read(index) for index in range(len(source))]


def tell(source, answers):
    answers.put(read_all(source))


@pytest.mark.parametrize('kind', KINDS)
def test_all_images_in_order_in_this_process_and_others(kind, tmp_path, images):
    source = build_source(make(kind, tmp_path, images))
    assert read_all(source) == images
    assert len({source.name(index) for index in range(COUNT)}) == COUNT
    assert read_all(pickle.loads(pickle.dumps(source))) == images, 'a spawned worker'
    answers = multiprocessing.get_context('fork').Queue()
    child = multiprocessing.get_context('fork').Process(target=tell, args=(source, answers))
    child.start()
    assert answers.get(timeout=30) == images, 'a forked worker, with files already open'
    child.join()
    assert read_all(source) == images
    with pytest.raises(IndexError):
        source.read(COUNT)


@pytest.mark.parametrize('kind', KINDS)
def test_a_source_pickles_small(kind, tmp_path, images):
    assert len(pickle.dumps(build_source(make(kind, tmp_path, images)))) < 1000


@pytest.mark.parametrize('kind', ['ZipArchives', 'RecordIO'])
def test_damage_that_a_format_can_notice(kind, tmp_path, images):
    cfg = make(kind, tmp_path, images)
    # The zip's data; the word before the record's data.
    if kind == 'ZipArchives':
        stores.flip(cfg['path'], images[4], place=60)
    else:
        stores.flip(cfg['path'], stores.frame_record(stores.pack_record([0.0, 1.0], 5, images[4])))
    source = build_source(cfg)
    with pytest.raises(UnreadableImage) as error:
        source.read(4)
    assert source.name(4).split('/')[-1] in str(error.value)
    assert source.read(3) == images[3] and source.read(5) == images[5]


def test_a_shard_that_became_shorter_is_named(tmp_path, images):
    source = build_source(make('TarShards', tmp_path, images))
    path = tmp_path / 'tars' / 'set-0001.tar'
    with open(path, 'r+b') as file:
        file.truncate(700)
    with pytest.raises(UnreadableImage, match=r'set-0001.tar.* ends before it'):
        source.read(5)


@pytest.mark.parametrize('spoil, words', [
    (lambda data, place: data[:place + 3] + b'!' + data[place + 4:], 'damaged at byte'),
    (lambda data, place: data[:place] + bytes(1024) + data[place + 1024:], 'damaged at byte'),
    (lambda data, place: data[:place], 'cut off at byte'),
    (lambda data, place: data[:place + 100], 'cut off at byte|damaged at byte'),
    (lambda data, place: data + data, 'several archives in one'),
], ids=['a flipped byte', 'a hole', 'cut between members', 'cut in a header', 'two in one file'])
def test_a_tar_of_which_a_part_would_be_missed_is_refused(tmp_path, images, spoil, words):
    cfg = make('TarShards', tmp_path, images)
    path = tmp_path / 'tars' / 'set-0001.tar'
    with tarfile.open(path) as archive:
        place = archive.getmembers()[4].offset
    path.write_bytes(spoil(path.read_bytes(), place))
    with pytest.raises(UserError, match=f'set-0001.tar.*({words}).*copy it again'):
        build_source(cfg)


@pytest.mark.parametrize('kind', ['TarShards', 'ZipArchives', 'RecordIO'])
def test_files_that_were_replaced_are_indexed_again(kind, tmp_path, images):
    """By others of the same names and sizes."""
    images = [data.ljust(max(map(len, images)), b'\0') for data in images]
    assert read_all(build_source(make(kind, tmp_path / 'a', images))) == images
    os.replace(tmp_path / 'a', tmp_path / 'old')
    other = make(kind, tmp_path / 'a', images[::-1])
    for file in (tmp_path / 'a').rglob('*'):  # as if written a moment later
        os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 10**9))
    assert read_all(build_source(other)) == images[::-1]


def test_shards_that_were_shuffled_inside_are_not_read_by_their_old_index(tmp_path):
    images = [stores.jpeg(20 * number) + bytes(number) for number in range(COUNT)]
    cfg = dict(make('TarShards', tmp_path, images), index=str(tmp_path / 'my.index'))
    source = build_source(cfg)
    assert read_all(source) == images
    stores.write_tars(tmp_path / 'tars', images[4::-1] + images[5:])
    with pytest.raises(UserError, match='packed anew.*my.index'):
        read_all(build_source(cfg))


@pytest.mark.parametrize('name', ['folder', '.'])  # '.': as tar -C folder -cf a.tar . names them
def test_links_in_a_tar_are_not_left_out_silently(tmp_path, images, monkeypatch, name):
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.sources.tar_shards.print_log',
                        lambda text, **how: said.append(text))
    folder = stores.write_folder(tmp_path / 'folder', images)
    os.link(folder / 'id_000' / '0001.jpg', folder / 'z.jpg')
    (folder / 'zz.jpg').symlink_to('z.jpg')
    with tarfile.open(tmp_path / 'a.tar', 'w') as archive:
        archive.add(folder, name)
    assert len(build_source(dict(type='TarShards', path=str(tmp_path / 'a.tar')))) == COUNT
    assert len(said) == 1 and 'a.tar holds 2 links to images, which are left out' in said[0]


@pytest.mark.parametrize('kind', ['ImageFolder', 'TarShards', 'ZipArchives'])
def test_thumbnails_of_a_nas_are_left_out_of_archives_as_of_folders(tmp_path, images, kind):
    folder = stores.write_folder(tmp_path / 'folder', images)
    (folder / 'id_000/@eaDir/0001.jpg').mkdir(parents=True)
    (folder / 'id_000/@eaDir/0001.jpg/SYNOPHOTO_THUMB_M.jpg').write_bytes(images[0])
    endings = dict(ImageFolder='', TarShards='.tar', ZipArchives='.zip')
    if endings[kind]:
        shutil.make_archive(str(folder), endings[kind][1:], folder)  # in the tar: ./id_000/...
    source = build_source(dict(type=kind, path=f'{folder}{endings[kind]}'))
    assert sorted(read_all(source)) == sorted(images)


def test_an_index_is_used_again_and_made_anew_for_other_data(tmp_path, images, monkeypatch):
    cfg = make('TarShards', tmp_path, images)
    build_source(cfg)
    from ssfer_mm.datasets.sources import TarShards
    monkeypatch.setattr(TarShards, 'members', None)
    assert len(build_source(cfg)) == COUNT, 'from the index'
    monkeypatch.undo()
    (tmp_path / 'tars' / 'set-0002.tar').unlink()
    assert len(build_source(dict(cfg, index=str(tmp_path / 'my.index')))) == 10


def test_an_index_where_the_file_system_has_no_locks(tmp_path, images, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(pytest.importorskip('fcntl'), 'flock', refuse)
    cfg = dict(make('TarShards', tmp_path, images), index=str(tmp_path / 'new' / 'my.index'))
    assert read_all(build_source(cfg)) == images
    assert os.listdir(tmp_path / 'new') == ['my.index']


def test_a_folder_is_listed_again_when_one_in_it_changed(tmp_path, images):
    cfg = make('ImageFolder', tmp_path, images)
    assert len(build_source(cfg)) == COUNT
    (tmp_path / 'folder' / 'id_001' / 'zzz.jpg').write_bytes(images[0])
    source = build_source(cfg)
    assert len(source) == COUNT + 1 and source.name(8) == 'id_001/zzz.jpg'


def test_folders_dated_before_1970(tmp_path, images):
    cfg = make('ImageFolder', tmp_path, images)
    os.utime(tmp_path / 'folder' / 'id_001', (-1, -1))
    assert read_all(build_source(cfg)) == images
    assert read_all(build_source(cfg)) == images, 'from its index'


def test_a_file_that_comes_while_its_folder_is_listed_is_found_the_next_time(
        tmp_path, images, monkeypatch):
    cfg, walk = make('ImageFolder', tmp_path, images), os.walk
    late = tmp_path / 'folder' / 'id_001' / 'zzz.jpg'
    for folder in (late.parent, late.parent.parent):
        os.utime(folder, (1e9, 1e9))  # long ago, as clocks of file systems may be coarse

    def slow_walk(*args, **kwargs):
        for listed in walk(*args, **kwargs):
            if os.path.basename(os.path.normpath(listed[0])) == 'id_001':
                late.write_bytes(images[0])
            yield listed

    with monkeypatch.context() as patch:
        patch.setattr(os, 'walk', slow_walk)
        assert len(build_source(cfg)) == COUNT and late.exists()
    assert len(build_source(cfg)) == COUNT + 1


def test_a_folder_that_cannot_be_listed_is_in_no_index(tmp_path, images, monkeypatch):
    cfg, scandir = make('ImageFolder', tmp_path, images), os.scandir

    def guarded(path):
        if os.path.basename(path) == 'id_001':
            raise PermissionError(errno.EACCES, 'Permission denied', path)
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'scandir', guarded)
        with pytest.raises(UserError, match='id_001.* cannot be listed .Permission denied'):
            build_source(cfg)
    assert list(Path(os.environ['XDG_CACHE_HOME']).rglob('*.index')) == []
    assert read_all(build_source(cfg)) == images


@pytest.mark.parametrize('kind', KINDS)
def test_an_index_in_the_home_folder(kind, tmp_path, images, monkeypatch):
    cfg = make(kind, tmp_path / 'stores', images)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert len(build_source(dict(cfg, index='~/own/my.index'))) == COUNT
    assert sorted(os.listdir(tmp_path)) == ['own', 'stores']
    assert os.listdir(tmp_path / 'own') == ['my.index']


@pytest.mark.parametrize('spoil', [b'', b'SSFERIX1', b'x' * 100])
def test_a_damaged_index_is_made_anew(tmp_path, images, spoil):
    index = tmp_path / 'my.index'
    cfg = dict(make('ZipArchives', tmp_path, images), index=str(index))
    whole = (build_source(cfg), index.read_bytes())[1]
    index.write_bytes(spoil or whole[:-40])
    assert read_all(build_source(cfg)) == images
    assert index.read_bytes() == whole


def test_brace_and_glob_patterns(tmp_path, images):
    stores.write_tars(tmp_path / 'tars', images)
    for pattern, count in (('set-{0000..0001}.tar', 10), ('*-000[12].tar', 7)):
        assert len(build_source(dict(type='TarShards', path=str(tmp_path / 'tars' / pattern)))
                   ) == count
    with pytest.raises(UserError, match=r"1 of the 4 files.*set-0003.tar"):
        build_source(dict(type='TarShards', path=str(tmp_path / 'tars' / 'set-{0000..0003}.tar')))


def test_mixture_names_and_numbers(tmp_path, images):
    folder = build_source(make('ImageFolder', tmp_path, images))
    both = Mixture([folder, folder])
    assert both.name(0).startswith('folder/') and both.name(COUNT).startswith('folder-2/')
    assert read_all(both) == images + images
    assert both.locate(COUNT - 1) == (0, COUNT - 1) and both.locate(COUNT) == (1, 0)


@pytest.mark.parametrize('cfg, says', [
    (dict(path='x'), 'has no type'),
    (dict(type='Nothing'), r"unknown source type 'Nothing'; use one of: ImageFolder"),
    (dict(type='RecordIO', path='missing.rec'), "'missing.rec' does not exist"),
    (dict(type='TarShards', path='missing'), "no .tar files: 'missing' does not exist"),
    (dict(type='LMDB', path='missing'), "'missing' does not exist"),
    (dict(type='ImageFolder', path='missing'), "image folder 'missing' does not exist"),
    (dict(type='TarShards', file='x'), 'cannot be made from'),
])
def test_what_is_wrong_is_said(cfg, says):
    with pytest.raises(UserError, match=says):
        build_source(cfg)


def test_a_kind_of_ones_own_is_a_face_source(monkeypatch):
    class Mine:
        def __len__(self):
            return 1

    monkeypatch.setitem(FACE_SOURCES.module_dict, 'Mine', Mine)
    for kind in ('Mine', Mine):
        with pytest.raises(UserError, match=r'Mine is no FaceSource.*write class Mine.FaceSource'):
            build_source(dict(type=kind))


def test_wrong_content_is_said(tmp_path):
    for name, kind in (('a.tar', 'TarShards'), ('a.zip', 'ZipArchives'), ('a.rec', 'RecordIO'),
                       ('data.mdb', 'LMDB')):
        if kind == 'LMDB':
            pytest.importorskip('lmdb')
        (tmp_path / name).write_bytes(b'this is nothing of the kind' * 100)
        with pytest.raises(UserError, match=name):
            build_source(dict(type=kind, path=str(tmp_path / name)))


def test_lmdb_is_optional_and_never_unpickles(tmp_path, images, monkeypatch):
    pytest.importorskip('lmdb')
    path = stores.write_lmdb(tmp_path / 'pickled', [pickle.dumps(images[0])])
    with pytest.raises(UserError, match='pickled Python objects'):
        build_source(dict(type='LMDB', path=str(path)))
    monkeypatch.setitem(sys.modules, 'lmdb', None)
    with pytest.raises(UserError, match='pip install lmdb'):
        build_source(dict(type='LMDB', path=str(path)))


def test_a_damaged_lmdb_is_told(tmp_path):
    pytest.importorskip('lmdb')
    path = stores.write_lmdb(tmp_path / 'faces', [bytes([k]) * 900 for k in range(200)])
    pages = bytearray((path / 'data.mdb').read_bytes())
    pages[8192:] = b'\xa5' * (len(pages) - 8192)
    (path / 'data.mdb').write_bytes(pages)
    with pytest.raises(UserError, match='faces.* is damaged .*copy the database again'):
        build_source(dict(type='LMDB', path=str(path)))


@pytest.mark.parametrize('fault, says, not_said', [
    ('read', "'/far/a.jpg' cannot be read .Input/output error", 'index'),
    ('write', 'the index .* cannot be written .No space left', 'cannot be read')])
def test_reading_the_images_and_writing_their_index_are_told_apart(
        tmp_path, images, monkeypatch, fault, says, not_said):
    def fail(*args):
        raise {'read': OSError(errno.EIO, 'Input/output error', '/far/a.jpg'),
               'write': OSError(errno.ENOSPC, 'No space left on device')}[fault]

    monkeypatch.setattr(*{
        'read': ('ssfer_mm.datasets.sources.image_folder.walk_images', fail),
        'write': ('ssfer_mm.datasets.sources.index_file.write_index', fail)}[fault])
    with pytest.raises(UserError, match=says) as error:
        build_source(make('ImageFolder', tmp_path, images))
    assert not_said not in str(error.value)
