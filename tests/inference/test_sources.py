"""What is predicted, and where its result goes."""
from pathlib import Path

import pytest

from ssfer_mm import UserError
from ssfer_mm.inference.inferencer import list_inputs
from ssfer_mm.inference.sources import Video, Webcam, find_source, left_out, printable


@pytest.fixture
def folder(tmp_path):
    for name in ('a/x.jpg', 'a/sub/x.JPG', 'b/x.tif', 'b/x.png', 'notes.txt', 'film.mp4',
                 'IMG_1.HEIC'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'?')
    (tmp_path / 'empty').mkdir()
    return tmp_path


def pairs(source):
    return [(photo.name, photo.target) for photo in source]


def test_photos_of_a_folder_keep_their_places(folder):
    assert pairs(find_source([str(folder / 'a')])) == [
        ('sub/x.JPG', 'sub/x.JPG'), ('x.jpg', 'x.jpg')]


def test_patterns_that_a_shell_of_windows_does_not_expand(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name in ('a/y.jpg', 'a/[z].jpg', 'a/z.jpg'):
        Path(name).touch()
    names = ['a/[z].jpg', 'a/x.jpg', 'a/y.jpg', 'a/z.jpg']
    assert [photo.path for photo in find_source(['a/*.jpg'])] == names
    assert [photo.path for photo in find_source(['b/x.png', 'a/[xy].jpg'])] == [
        'b/x.png', 'a/x.jpg', 'a/y.jpg']
    assert [photo.path for photo in find_source(['a/[z].jpg'])] == ['a/[z].jpg'], 'as it is called'
    assert [photo.name for photo in list_inputs('a/?.jpg')] == names[1:]
    assert find_source(['*.mp4']) == Video('film.mp4')
    Path('a/p.heic').touch()
    assert left_out(['[a]']) == left_out(['a']) != []
    with pytest.raises(UserError, match=r'no file matches a/\*.gif .*: check the folder'):
        find_source(['a/*.gif'])


def test_no_two_results_share_a_file(folder):
    found = find_source([str(folder / 'a'), str(folder / 'b')])
    assert [photo.target for photo in found] == ['a/sub/x.JPG', 'a/x.jpg', 'b/x.png', 'b/x.tif.png']
    files = [str(folder / 'a/x.jpg'), str(folder / 'a/sub/x.JPG')]
    assert [photo.target for photo in find_source(files)] == ['x.jpg', 'x-2.JPG']
    assert [photo.target for photo in find_source(files[::-1])] == ['x.JPG', 'x-2.jpg']
    folders = [f'{folder}/a/sub/', f'{folder}/b/']
    assert [photo.target for photo in find_source(folders)] == [
        'sub/x.JPG', 'b/x.png', 'b/x.tif.png']


def test_a_photo_beside_a_folder_is_not_called_like_one_in_it(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path('x.jpg').touch()
    named = [('a/sub/x.JPG', 'a/sub/x.JPG'), ('a/x.jpg', 'a/x.jpg'), ('x.jpg', 'x.jpg')]
    assert pairs(find_source(['a', 'x.jpg'])) == named
    assert [photo.name for photo in list_inputs(['a', 'x.jpg'])] == [name for name, _ in named]


def test_no_two_photos_of_several_folders_share_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    for name in ('x/day/1.jpg', 'y/day/deep/1.jpg', 'y/day/1.jpg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'?')
    names = ['x/day/1.jpg', 'y/day/1.jpg', 'y/day/deep/1.jpg']
    found = find_source(['x/day', 'y/day/'])
    assert pairs(found) == list(zip(names, ['day/1.jpg', 'day/1-2.jpg', 'day/deep/1.jpg']))
    assert [photo.name for photo in list_inputs(['x/day', Path('y/day')])] == names
    assert [photo.name for photo in list_inputs(iter(['~/x', 'y/day']))] == ['~/' + names[0],
                                                                             *names[1:]]
    assert [photo.name for photo in list_inputs(['x/day', 'y/day/1.jpg'])] == names[:2]
    assert [photo.name for photo in list_inputs('x/day')] == ['1.jpg']


def test_former_results_inside_the_folder_are_left_out(folder):
    assert pairs(find_source([str(folder)], out=str(folder / 'b')))[-1][0] == 'a/x.jpg'


def test_what_is_hidden_is_not_said_to_be_left_out(tmp_path):
    for name in ('__MACOSX/._x.heic', '.trash/y.heic', '._z.heic', '.film.mp4', 'sub/a.jpg'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert left_out([str(tmp_path)]) == []
    (tmp_path / 'sub' / 'b.HEIC').touch()
    assert left_out([str(tmp_path)]) == [
        f'{tmp_path}: 1 file left out (.heic): convert them to .jpg']


@pytest.mark.parametrize('out', ['', 'a', 'a/su'], ids=['around it', 'itself', 'other'])
def test_what_is_no_former_result_is_not(folder, out):
    assert len(find_source([str(folder / 'a')], out=str(folder / out))) == 2


def test_videos_and_cameras(folder):
    for name in ('film.mp4', 'FILM.MP4'):
        assert find_source([str(folder / name)]) == Video(str(folder / name))
    assert find_source(['webcam']) == Webcam(0) and find_source(['webcam:2']) == Webcam(2)


def test_photos_with_the_name_of_a_camera_or_video(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / 'b').rename('shots.mp4')
    (folder / 'a/x.jpg').rename('webcam.jpg')
    assert [photo.path for photo in find_source(['webcam.jpg', 'shots.mp4'])] == [
        'webcam.jpg', 'shots.mp4/x.png', 'shots.mp4/x.tif']


def test_places_at_home(folder, monkeypatch):
    monkeypatch.setenv('HOME', str(folder))
    assert find_source(['~/film.mp4']) == Video(str(folder / 'film.mp4'))
    found = find_source(['~/a', '~/b/x.png'], out='~/a/sub')
    assert [(photo.path, photo.name) for photo in found] == [
        (str(folder / 'a/x.jpg'), '~/a/x.jpg'), (str(folder / 'b/x.png'), '~/b/x.png')]


@pytest.mark.parametrize('given, words', [
    (['none.jpg'], 'does not exist'), (['empty'], 'holds no images'),
    (['notes.txt'], 'neither image nor video'), (['IMG_1.HEIC'], 'convert it to .jpg'),
    (['a', 'film.mp4'], 'call of its own'), ([], 'name photos')])
def test_what_cannot_be_predicted(folder, given, words):
    with pytest.raises(UserError, match=words):
        find_source([str(folder / name) for name in given])


@pytest.mark.parametrize('name, printed', [
    ('d/a.jpg', 'd/a.jpg'), ('caf\u00e9 \u732b.jpg', 'caf\u00e9 \u732b.jpg'),
    ('caf\udce9.jpg', 'caf\\udce9.jpg')], ids=['plain', 'UTF-8', 'Latin-1'])
def test_names_that_every_file_takes(name, printed):
    assert printable(name) == printed
