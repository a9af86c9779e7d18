"""Damaged images are refused by name, decoded as they are, and never larger than they may be."""
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import strategies as st

from ssfer_mm.errors import UnreadableImage
from ssfer_mm.images import decode
from ssfer_mm.images.decode import read_image, read_reduced
from ssfer_mm.images.header import stored_size
from support.damage import CASES, damaged, for_all
from support.time_limit import within

SUFFIXES = ['.jpg', '.png', '.bmp', '.tif', '.webp', '.ppm']


def encoded(suffix, size=(40, 32)):
    noise = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return cv2.imencode(suffix, cv2.resize(noise, size))[1].tobytes()


@pytest.fixture(autouse=True)
def silent():
    # Where OpenCV 5 has it, and 4.
    log = cv2 if hasattr(cv2, 'setLogLevel') else cv2.utils.logging
    before = log.setLogLevel(0)
    yield
    log.setLogLevel(before)


@CASES
@pytest.mark.parametrize('read', [read_image, lambda path: read_reduced(path, 500)[0]])
def test_any_damage(tmp_path, cases, read):
    path = str(tmp_path / 'face.jpg')

    def check(data):
        with open(path, 'wb') as file:
            file.write(data)
        try:
            with within(20):
                img = read(path)
        except UnreadableImage as error:
            assert path in str(error) and '\n' not in str(error)
        else:
            assert img.dtype == np.uint8 and img.ndim == 3 and img.shape[2] == 3 and img.size
            assert img.shape[0] * img.shape[1] <= decode.MAX_PIXELS

    # Fewer pixels than in earnest, so that no damaged header makes the test itself slow.
    before, decode.MAX_PIXELS = decode.MAX_PIXELS, 4_000_000
    try:
        bases = [encoded(suffix) for suffix in SUFFIXES]
        for_all(st.one_of(damaged(*bases), st.binary(max_size=200)), cases, check)
    finally:
        decode.MAX_PIXELS = before


@CASES
def test_a_file_that_was_cut_off_is_refused_or_whole(tmp_path, cases):
    path = str(tmp_path / 'face')
    bases = {suffix: encoded(suffix) for suffix in SUFFIXES}
    whole = {}
    for suffix, data in bases.items():
        with open(path, 'wb') as file:
            file.write(data)
        whole[suffix] = read_image(path)

    def check(draw):
        suffix, share = draw
        with open(path, 'wb') as file:
            file.write(bases[suffix][:int(share * len(bases[suffix]))])
        try:
            img = read_image(path)
        except UnreadableImage:
            return
        assert np.array_equal(img, whole[suffix]), suffix

    near = st.one_of(st.floats(0, 1), st.floats(0.97, 1))
    for_all(st.tuples(st.sampled_from(SUFFIXES), near), cases, check)


@pytest.mark.parametrize('suffix', SUFFIXES)
@pytest.mark.parametrize('size', [(40, 32), (7, 300)])
def test_the_header_is_read_as_the_decoder_does(suffix, size):
    assert stored_size(encoded(suffix, size)) == size


def png_bomb(side):
    """A black picture of a gigapixel in a few hundred kilobytes, or what claims to be one."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack(
            '>I', zlib.crc32(kind + body))
    head = struct.pack('>IIBBBBB', side, side, 1, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(
        b'IDAT', zlib.compress(bytes(side // 8 + 1) * min(side, 2000))) + chunk(b'IEND', b'')


def jpeg_bomb(side):
    data = encoded('.jpg')
    frame = data.index(b'\xff\xc0')
    return data[:frame + 5] + struct.pack('>HH', side, side) + data[frame + 9:]


@pytest.mark.parametrize('make', [png_bomb, jpeg_bomb])
@pytest.mark.parametrize('read', [read_image, lambda path: read_reduced(path, 500)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, make, read):
    path = tmp_path / 'bomb.png'
    path.write_bytes(make(30000))
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(UnreadableImage, match=r"bomb.png' claims to have 30000 x 30000 pixels"):
        read(str(path))


@pytest.mark.parametrize('place', ['pipe', 'folder', 'null\0byte', '/dev/zero'])
def test_what_is_no_file_neither_hangs_nor_crashes(tmp_path, place):
    path = str(tmp_path / place) if not place.startswith('/') else place
    if place == 'pipe':
        os.mkfifo(path)
    elif place == 'folder':
        os.mkdir(path)
    with pytest.raises(UnreadableImage, match='cannot read the image'):
        read_image(path)


def test_a_file_too_large_to_be_an_image_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / 'huge.jpg'
    with open(path, 'wb') as file:
        file.truncate(decode.MAX_BYTES + 1)  # a sparse file
    with pytest.raises(UnreadableImage, match="huge.jpg' has 1073741825 bytes"):
        read_image(str(path))
