"""One look at a file: what it is, what training makes of it, and whether it is whole."""
import os
import sqlite3

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.audit.facts_cache import FactsCache, stamp_of
from ssfer_mm.audit.file_facts import FileFacts, inspect
from ssfer_mm.errors import UserError
from support.photos import photo

PICTURE = Image.fromarray(photo(0, 32)[..., ::-1].copy())


def saved(folder, name, picture=PICTURE, **options):
    path = str(folder / name)
    picture.save(path, **options)
    return path


@pytest.mark.parametrize('name, mode, expected', [
    ('a.png', 'L', 'grey'), ('a.png', 'LA', 'grey alpha'), ('a.png', 'RGBA', 'alpha'),
    ('a.png', 'P', 'palette'), ('a.png', '1', 'two-colour'), ('a.jpg', 'CMYK', 'CMYK'),
    ('a.jpg', 'RGB', 'colour'), ('a.tif', 'CMYK', 'CMYK'), ('a.webp', 'RGB', 'colour'),
])
def test_mode(tmp_path, name, mode, expected):
    facts = inspect(saved(tmp_path, name, PICTURE.convert(mode)))
    assert (facts.mode, facts.error) == (expected, '')
    assert (facts.width, facts.height) == (32, 32) and len(facts.thumb) == 1024


@pytest.mark.parametrize('name, channels', [('a.png', 1), ('a.png', 3), ('a.tif', 1),
                                            ('a.tif', 3)])
def test_sixteen_bits_are_seen_though_pillow_shows_eight(tmp_path, name, channels):
    image = photo(0, 32)[..., :channels].squeeze().astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / name), image)
    assert '16-bit' in inspect(str(tmp_path / name)).mode.split()
    assert '16-bit' in inspect(str(tmp_path / name), decode=False).mode.split()


def exif(orientation):
    entries = Image.Exif()
    entries[0x112] = orientation
    return entries


@pytest.mark.parametrize('size', [(32, 32), (32, 20)])
def test_turned_images_are_told_from_those_the_loader_leaves(tmp_path, size):
    picture = PICTURE.resize(size)
    turned = inspect(saved(tmp_path, 'a.jpg', picture, exif=exif(6)))
    assert (turned.orientation, turned.turned) == (6, True)
    assert (turned.width, turned.height) == size[::-1]
    upright = inspect(saved(tmp_path, 'b.jpg', picture, exif=exif(1)))
    assert (upright.orientation, upright.turned, upright.width) == (1, False, size[0])
    webp = inspect(saved(tmp_path, 'c.webp', picture, exif=exif(6)))
    assert webp.turned and (webp.width, webp.height) == size[::-1]


@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_cut_files(tmp_path, name):
    path = saved(tmp_path, name, Image.fromarray(photo(1, 200)))
    whole = open(path, 'rb').read()
    assert not inspect(path).error
    open(path, 'wb').write(whole + b'appended by a camera' * 9)
    facts = inspect(path)
    assert not facts.error
    for length in (len(whole) * 2 // 3, len(whole) - 10):
        open(path, 'wb').write(whole[:length])
        assert 'cut off' in inspect(path).error


@pytest.mark.parametrize('content', [b'', b'no image at all', b'\xff\xd8\xff', b'\x89PNG\r\n'])
def test_what_is_no_image_is_an_error_not_a_crash(tmp_path, content):
    path = tmp_path / 'a.jpg'
    path.write_bytes(content)
    for decode in (True, False):
        assert inspect(str(path), decode=decode).error
    assert inspect(str(tmp_path / 'missing.jpg')).error


def test_pixels_in_memory():
    assert inspect(photo(0, 32)).content == inspect(photo(0, 32)).content != b''
    assert inspect(np.zeros((8, 8), np.uint8)).blank
    assert 'in memory' in inspect(np.zeros((8, 8)), 'name').error


def test_cache_keeps_facts_until_the_file_changes(tmp_path):
    path, base = saved(tmp_path, 'a.png'), str(tmp_path / 'cache' / 'c.sqlite')
    facts, stamp = inspect(path), stamp_of(path)
    high = FileFacts(perceptual=(1 << 64) - 3, content=b'x' * 16, thumb=b'y' * 1024)
    FactsCache(base).add([(path, stamp, facts), ('high', (1, 1), high)])
    cache = FactsCache(base)
    assert cache.find({path: stamp, 'high': (1, 1), 'none': (1, 1)}) == {path: facts, 'high': high}
    assert cache.find({path: (stamp[0], stamp[1] + 1)}) == {}


def test_cache_knows_names_that_are_not_utf8(tmp_path):
    """Archives of old machines hold such names; Python marks their bytes with surrogates."""
    names = [os.fsdecode(name) for name in (b'caf\xe9.png', b'caf\xe8.png')] + ['caf\u00e9.png']
    facts = FileFacts(content=b'x' * 16, thumb=b'y' * 1024)
    lost = FileFacts(error=f'{names[1]} is cut')
    cache = FactsCache(str(tmp_path / 'c.sqlite'))
    cache.add(zip(names, [(1, 1), (2, 2), (3, 3)], [facts, lost, facts]))
    found = cache.find(dict(zip(names, [(1, 1), (2, 2), (0, 3)])))
    assert found == {names[0]: facts, names[1]: FileFacts(error='caf\\udce8.png is cut')}


def test_scribbled_cache_is_not_believed(tmp_path):
    base = str(tmp_path / 'c.sqlite')
    cache = FactsCache(base)
    good = FileFacts(content=b'x' * 16, thumb=b'y' * 1024)
    cache.add([('a', (1, 1), good), ('b', (1, 1), good), ('c', (1, 1), good)])
    with sqlite3.connect(base) as other:
        other.execute(f"UPDATE {cache._table} SET thumb = x'00' WHERE path = 'a'")
        other.execute(f"UPDATE {cache._table} SET perceptual = 'text' WHERE path = 'b'")
    assert list(cache.find(dict.fromkeys('abc', (1, 1)))) == ['c']
    whole = (tmp_path / 'c.sqlite').read_bytes()
    (tmp_path / 'c.sqlite').write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(UserError, match='malformed.*--no-cache'):
        FactsCache(base).find({'c': (1, 1)})
    (tmp_path / 'text.sqlite').write_text('no data base ' * 100)
    with pytest.raises(UserError, match='--no-cache'):
        FactsCache(str(tmp_path / 'text.sqlite'))


def test_pillow_refuses_no_size_that_training_takes(tmp_path, monkeypatch):
    path = saved(tmp_path, 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    assert inspect(path, decode=False).error == ''
