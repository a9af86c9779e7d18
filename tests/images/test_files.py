"""Which files of a folder are images, and in which order."""
from ssfer_mm.images.files import other_photos, scan_images, walk_images


def folders(path):
    return [(folder, names) for folder, _, names in walk_images(str(path))]


def test_hidden_folders_are_left_out_and_links_followed_once(tmp_path):
    root = tmp_path / 'root'
    for name in ('b/.hidden/x.jpg', 'b/__MACOSX/x.jpg', 'b/c/d/x.png', 'b.c/x.jpg', 'b/.x.jpg',
                 'b/notes.txt', 'a.JPG', 'empty/readme'):
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


def test_photos_of_a_kind_that_is_not_read(tmp_path):
    for name in ('a.HEIC', 'b.gif', 'c.jfif', 'd.jpg', 'e.txt', '.f.heic'):
        (tmp_path / name).write_bytes(b'')
    assert other_photos([str(tmp_path), str(tmp_path / 'gone')]) == [
        str(tmp_path / 'a.HEIC'), str(tmp_path / 'b.gif')]
    assert scan_images(str(tmp_path)) == ['c.jfif', 'd.jpg']  # Windows' browsers: .jfif is a JPEG
