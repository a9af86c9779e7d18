"""Loading: pixels as they are, or an error that names the file."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.errors import UserError
from ssfer_mm.transforms import LoadFace

RED_BGR = (0, 0, 255)


def test_reads_bgr_pixels_and_describes_the_raw_view(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'ü face.png'), pixels)
    results = LoadFace()(dict(img_path=str(tmp_path / 'ü face.png')))
    assert np.array_equal(results['img'], pixels)
    assert results['img_shape'] == results['ori_shape'] == (7, 5)
    assert np.array_equal(results['view_matrix'], np.eye(3))


def test_applies_the_orientation_that_the_camera_noted(tmp_path):
    image = Image.new('RGB', (16, 8))
    image.paste((255, 0, 0), (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the red left half is on top
    image.save(tmp_path / 'turned.jpg', exif=exif, quality=95)
    results = LoadFace()(dict(img_path=str(tmp_path / 'turned.jpg')))
    assert results['ori_shape'] == (16, 8)
    assert np.abs(results['img'][2, 4].astype(int) - RED_BGR).max() < 30


@pytest.mark.parametrize('mode', ['L', 'RGBA', 'P', 'LA', '1'])
def test_every_kind_of_file_becomes_three_channels(tmp_path, mode):
    Image.new('RGB', (4, 4), 'white').convert(mode).save(tmp_path / 'x.png')
    img = LoadFace()(dict(img_path=str(tmp_path / 'x.png')))['img']
    assert img.shape == (4, 4, 3) and img.dtype == np.uint8 and (img == 255).all()


@pytest.mark.parametrize('shape', [(6, 4), (6, 4, 1), (6, 4, 3), (6, 4, 4)])
def test_an_image_in_memory_wins_over_the_path(shape):
    img = LoadFace()(dict(img=np.full(shape, 9, np.uint8), img_path='/nowhere.png'))['img']
    assert img.shape == (6, 4, 3) and (img == 9).all()


@pytest.mark.parametrize('img, found', [
    (np.zeros((6, 4), np.float32), 'float32'),
    (np.zeros((6, 4, 2), np.uint8), r'\(6, 4, 2\)'),
    (np.zeros((0, 4, 3), np.uint8), r'\(0, 4, 3\)'),
    ([[1, 2], [3, 4]], 'list'),
])
def test_a_wrong_array_is_refused_by_id(img, found):
    with pytest.raises(UserError, match=f'fer0000001.*{found}'):
        LoadFace()(dict(img=img, sample_id='fer0000001'))


def half_a_png():
    buffer = io.BytesIO()
    Image.new('RGB', (64, 64)).save(buffer, 'PNG')
    return buffer.getvalue()[:20]


@pytest.mark.parametrize('content, says', [
    (None, 'cannot read.*check the path.*permissions.*data_root'),
    (b'', 'empty file'),
    (b'<html>not found</html>', 'cannot be decoded'),
    (half_a_png(), 'cannot be decoded'),
])
def test_a_bad_file_is_named(tmp_path, content, says):
    path = tmp_path / 'face_17.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        LoadFace()(dict(img_path=str(path)))
    assert 'face_17.png' in str(caught.value) and '\n' not in str(caught.value)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(UserError, match='cannot read the image'):
        LoadFace()(dict(img_path=str(tmp_path)))


def test_a_huge_image_is_reduced_and_the_matrix_knows(tmp_path):
    pixels = np.zeros((160, 240, 3), np.uint8)
    pixels[:, 120:] = 255
    cv2.imwrite(str(tmp_path / 'x.jpg'), pixels)
    data = (tmp_path / 'x.jpg').read_bytes()
    load = LoadFace(max_pixels=120 * 80)
    for item in (dict(img_path=str(tmp_path / 'x.jpg')), dict(img_bytes=data, sample_id='a')):
        results = load(dict(item))
        assert results['img_shape'] == (80, 120) and results['ori_shape'] == (160, 240)
        assert np.array_equal(results['view_matrix'], np.diag([0.5, 0.5, 1]))
        assert results['img'][40, 57].max() < 60 < 200 < results['img'][40, 62].min()
        assert 'img_bytes' not in results
    whole = LoadFace()(dict(img_bytes=data, sample_id='a'))
    assert np.array_equal(whole['img'], LoadFace()(dict(img_path=str(tmp_path / 'x.jpg')))['img'])
    with pytest.raises(UserError, match="some/face.jpg"):
        load(dict(img_bytes=data[:300], sample_id='some/face.jpg'))
    with pytest.raises(UserError, match='no cache'):
        LoadFace(cache_gb=1, max_pixels=5)
