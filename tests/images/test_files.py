"""Which files of a folder are images, and in which order."""
import os

import pytest

from ssfer_mm.images.files import is_visible_image, other_photos, scan_images, walk_images
from support.refusals import refuses


def folders(path):
    return [(folder, names) for folder, _, names in walk_images(str(path))]


def test_hidden_folders_are_left_out_and_links_followed_once(tmp_path):
    root = tmp_path / 'root'
    for name in ('b/.hidden/x.jpg', 'b/__MACOSX/x.jpg', 'b/c/d/x.png', 'b.c/x.jpg', 'b/.x.jpg',
                 'b/notes.txt', 'a.JPG', 'empty/readme', '@eaDir/a.JPG/SYNOPHOTO_THUMB_M.jpg',
                 '#recycle/x.jpg', '$RECYCLE.BIN/x.jpg', 'System Volume Information/x.jpg',
                 'b/lost+found/x.jpg'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'')
    (root / 'b' / 'loop').symlink_to(root)
    (root / 'again').symlink_to(root / 'b' / 'c')
    expected = [('', ['a.JPG']), ('again', []), ('again/d', ['x.png']), ('b', []),
                ('b.c', ['x.jpg']), ('empty', [])]
    for path in (root, f'{root}/'):
        assert folders(path) == expected
    assert scan_images(str(root)) == ['a.JPG', 'again/d/x.png', 'b.c/x.jpg']
    assert folders(root / 'again') == [('', []), ('d', ['x.png'])]


@pytest.mark.parametrize('path, visible', [
    ('a.jpg', True), ('./a/b.jpg', True), ('../a.jpg', True), ('/a/b.JPG', True),
    ('a/b.txt', False), ('a/@eaDir/b.jpg', False), ('./.trash/b.jpg', False),
    ('__MACOSX/b.jpg', False), ('a/._b.jpg', False)])
def test_members_of_archives_are_visible_as_in_folders(path, visible):
    assert is_visible_image(path) == visible


@pytest.mark.parametrize('place', ['', 'b'])
def test_a_folder_that_cannot_be_listed_is_not_left_out_silently(tmp_path, monkeypatch, place):
    for name in ('a', 'b', 'c'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'x.jpg').touch()
    scandir, locked = os.scandir, str(tmp_path / place)

    def guarded(path):
        if os.path.normpath(path) == locked:
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', guarded)
    with refuses(locked, 'cannot be listed (Permission denied)', 'chmod'):
        scan_images(str(tmp_path))


def test_a_folder_that_is_gone_since_its_parent_was_listed_is_left_out(tmp_path):
    for name in ('a', 'b', 'c'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'x.jpg').touch()
    found = []
    for folder, _, _ in walk_images(str(tmp_path)):
        found.append(folder)
        if folder == 'a':
            (tmp_path / 'b' / 'x.jpg').unlink()
            (tmp_path / 'b').rmdir()
    assert found == ['', 'a', 'c']


def test_photos_of_a_kind_that_is_not_read(tmp_path):
    for name in ('a.HEIC', 'b.gif', 'c.jfif', 'd.jpg', 'e.txt', '.f.heic'):
        (tmp_path / name).write_bytes(b'')
    assert other_photos([str(tmp_path), str(tmp_path / 'gone')]) == [
        str(tmp_path / 'a.HEIC'), str(tmp_path / 'b.gif')]
    assert scan_images(str(tmp_path)) == ['c.jfif', 'd.jpg']  # Windows' browsers: .jfif is a JPEG
