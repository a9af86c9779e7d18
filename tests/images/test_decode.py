"""Decoding: reduced pixels keep the coordinates of the whole image."""
import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import read_image, read_reduced
from support.bright import picture, save


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
@pytest.mark.parametrize('limit, factor', [(100 * 60, 1), (100 * 60 - 1, 2), (999, 4), (1, 8)])
def test_reduces_until_it_fits_and_tells_the_true_size(tmp_path, suffix, limit, factor):
    path = save(tmp_path / f'x{suffix}', picture((100, 60), (40, 0, 100, 60)))
    img, size = read_reduced(str(path), limit)
    assert size == (100, 60)
    assert abs(img.shape[1] - 100 / factor) < 1 and abs(img.shape[0] - 60 / factor) < 1
    bright = np.flatnonzero(img[img.shape[0] // 2, :, 0] > 127)
    assert abs(bright[0] * factor - 40) <= factor


@pytest.mark.parametrize('size', [(100, 60), (101, 100), (100, 101), (64, 64)])
@pytest.mark.parametrize('turn', [1, 3, 6, 8])
def test_the_size_is_that_of_the_upright_image(tmp_path, size, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.new('RGB', size).save(tmp_path / 'x.jpg', exif=exif)
    whole = read_image(str(tmp_path / 'x.jpg'))
    img, found = read_reduced(str(tmp_path / 'x.jpg'), 2600)
    assert found == (whole.shape[1], whole.shape[0]) and img.shape[0] <= found[1] / 2 + 1


@pytest.mark.parametrize('turn', range(1, 9))
@pytest.mark.parametrize('mark', [b'', b'Exif\0\0'])
def test_a_webp_is_turned_upright_as_a_png_is(tmp_path, turn, mark):
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 31, 3), np.uint8))
    stored.save(tmp_path / 'x.png', exif=exif)
    # Pillow leaves the mark out or not, by its version.
    stored.save(tmp_path / 'x.webp', lossless=True,
                exif=mark + exif.tobytes().removeprefix(b'Exif\0\0'))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / 'x.webp')))[..., ::-1]
    assert (read_image(str(tmp_path / 'x.webp')) == upright).all()
    assert (read_image(str(tmp_path / 'x.png')) == upright).all()
    assert read_reduced(str(tmp_path / 'x.webp'), 300)[1] == upright.shape[1::-1]


def test_more_pixels_than_pillow_opens(tmp_path, monkeypatch):
    path = save(tmp_path / 'x.png', picture((100, 60)))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    assert read_reduced(str(path), 999)[1] == (100, 60)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize('mode, suffix', [
    ('L', 'png'), ('LA', 'png'), ('RGBA', 'png'), ('I;16', 'png'), ('P', 'png'), ('CMYK', 'jpg')])
def test_every_kind_becomes_eight_bit_color(tmp_path, mode, suffix):
    bright = {'I;16': 65535, 'CMYK': (0, 0, 0, 0)}.get(mode, 'white')
    path = tmp_path / f'x.{suffix}'
    if mode == 'I;16':
        cv2.imwrite(str(path), np.full((60, 100), bright, np.uint16))
    elif mode == 'CMYK':
        Image.new(mode, (100, 60), bright).save(path)
    else:
        Image.new('RGB', (100, 60), bright).convert(mode).save(path)
    for img in (read_image(str(path)), read_reduced(str(path), 2000)[0]):
        assert img.dtype == np.uint8 and img.shape[2] == 3 and (img > 250).all()


@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_grey_decimal_numbers_from_black_to_white(tmp_path, kind):
    values = np.linspace(-.5, 1.5, 12, dtype=kind).reshape(3, 4)
    expected = np.clip(np.rint(values * 255), 0, 255)
    path = str(tmp_path / 'x.tif')
    cv2.imwrite(path, values)
    for img in (read_image(path), read_reduced(path, 4)[0]):
        assert img.dtype == np.uint8 and (img == expected[..., None]).all() and img.shape[2] == 3


@pytest.mark.parametrize('content', [None, b'', b'<html>', b'\x89PNG\r\n\x1a\n' + b'\0' * 30])
def test_a_bad_file_is_named(tmp_path, content):
    path = tmp_path / 'face_17.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match='face_17.png') as caught:
        read_reduced(str(path), 10)
    assert '\n' not in str(caught.value)


def test_a_jpeg_is_reduced_while_enough_is_left(tmp_path):
    image = picture((800, 480), (400, 0, 800, 480))
    jpeg, png = save(tmp_path / 'x.jpg', image), save(tmp_path / 'x.png', image)
    many = 10**9
    for enough, width in ((0, 800), (401, 800), (400, 400), (200, 200), (101, 200), (1, 100)):
        img, size = read_reduced(str(jpeg), many, enough)
        assert (img.shape[1], size) == (width, (800, 480))
        assert abs(np.flatnonzero(img[0, :, 0] > 127)[0] * 800 / width - 400) <= 8
    # Others would be decoded whole, and shrunk without averaging.
    assert read_reduced(str(png), many, 100)[0].shape[1] == 800
    assert read_reduced(str(jpeg), 100 * 60, 400)[0].shape[1] == 100, 'too large is too large'
