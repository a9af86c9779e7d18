"""A JPEG's size without decoding it: what Pillow says, and None where there is nothing to say."""
import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.images.jpeg_header import jpeg_header


def encoded(size, *flags):
    return cv2.imencode('.jpg', np.zeros((size[1], size[0], 3), np.uint8), list(flags))[1]


@pytest.mark.parametrize('flags', [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
                                   (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_width_and_height_in_any_encoding(flags):
    assert jpeg_header(encoded((37, 21), *flags)) == (37, 21, False)


@pytest.mark.parametrize('turn', [1, 3, 5, 6, 8])
def test_orientation_behind_other_headers(tmp_path, turn):
    exif = Image.Exif()
    exif[0x010F] = 'maker'
    exif[0x0112] = turn
    Image.new('RGB', (40, 30)).save(tmp_path / 'x.jpg', exif=exif, icc_profile=b'p' * 70_000,
                                    comment=b'\xff\xc0 no frame')
    data = np.fromfile(tmp_path / 'x.jpg', np.uint8)
    assert jpeg_header(data) == (40, 30, turn >= 5)


def test_big_endian_exif():
    tiff = b'MM\0\x2a\0\0\0\x08' + b'\0\x01' + b'\x01\x12\0\x03\0\0\0\x01\0\x06\0\0' + b'\0' * 4
    segment = b'Exif\0\0' + tiff
    start = b'\xff\xd8\xff\xe1' + (len(segment) + 2).to_bytes(2, 'big') + segment
    data = np.frombuffer(start + encoded((16, 8)).tobytes()[2:], np.uint8)
    assert jpeg_header(data) == (16, 8, True)


def test_everything_else_is_none():
    whole = encoded((37, 21))
    assert jpeg_header(whole[:20]) is None, 'cut off before the size'
    assert jpeg_header(np.zeros(0, np.uint8)) is None
    assert jpeg_header(cv2.imencode('.png', np.zeros((4, 4), np.uint8))[1]) is None
    rng = np.random.default_rng(0)
    for _ in range(300):  # whatever is in it: an answer, no exception
        damaged = whole.copy()
        damaged[rng.integers(2, 200, 8)] = rng.integers(0, 256, 8)
        jpeg_header(damaged)
