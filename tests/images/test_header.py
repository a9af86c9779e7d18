"""What headers say: a JPEG is cut off where its pixels are, whatever comes before and after."""
import io
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.errors import UnreadableImage
from ssfer_mm.images.decode import check_image, decode_image
from ssfer_mm.images.header import is_cut_off, read_header, stored_size
from support.photos import photo


def encoded(**options):
    noise = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, 'JPEG', **options)
    return file.getvalue()


def with_segment(data, content):
    """A JPEG with one more application segment at its start."""
    return data[:2] + b'\xff\xe2' + (len(content) + 2).to_bytes(2, 'big') + content + data[2:]


JPEGS = {
    'plain': encoded(),
    'progressive': encoded(progressive=True),
    'restart markers': encoded(restart_marker_blocks=2),
    'thumbnail': with_segment(encoded(), b'thumbnail' + encoded(quality=20)),
    'padding': encoded().replace(b'\xff\xdb', b'\xff\xff\xff\xdb', 1),
    'stray bytes': encoded().replace(b'\xff\xdb', b'\0\xff\0stray\xff\xdb', 1),
}


@pytest.mark.parametrize('kind', JPEGS)
def test_every_beginning_of_a_jpeg_is_cut_off(kind):
    data = JPEGS[kind]
    assert [end for end in range(3, len(data)) if not is_cut_off(data[:end])] == []


@pytest.mark.parametrize('kind', JPEGS)
def test_whatever_follows_the_end_of_a_jpeg_does_not_count(kind):
    data = JPEGS[kind]
    whole = decode_image(data, kind)
    tails = [np.random.default_rng(seed).bytes(100_000) for seed in range(20)]
    for tail in (b'', b'\0', b'\xff\xda', b'\xff\xd9\xff\xda', data[:-2], *tails):
        assert not is_cut_off(data + tail)
        assert np.array_equal(decode_image(data + tail, kind), whole)


@pytest.mark.parametrize('kind', JPEGS)
def test_the_size_is_read_whatever_lies_before_it(kind):
    assert stored_size(JPEGS[kind]) == (40, 32)
    check_image(JPEGS[kind], kind)


def test_a_phone_film_behind_a_photo_does_not_hide_that_the_photo_is_damaged():
    with pytest.raises(UnreadableImage, match='cut off'):
        check_image(JPEGS['plain'][:-300] + b'\0\0\0\x18ftypmp42' * 9, 'motion.jpg')


@pytest.mark.parametrize('data', [
    b'\xff\xd8\xff', b'\xff\xd8\xff\xd9', b'\xff\xd8\xff\xe1\0\0\xff\xff',
    b'\xff\xd8' + b'\xff' * 9])
def test_a_jpeg_without_pixels_is_cut_off(data):
    assert is_cut_off(data)


def test_a_png_that_lacks_its_end_is_cut_off():
    whole = cv2.imencode('.png', photo(0, 32))[1].tobytes()
    check_image(whole + b'appended', 'a.png')
    for length in (len(whole) - 12, len(whole) // 2, 30):
        with pytest.raises(UnreadableImage, match='cut off'):
            check_image(whole[:length], 'a.png')


def test_nothing_of_the_program_is_changed_by_threads_that_read_headers():
    data = cv2.imencode('.png', photo(0, 32))[1].tobytes()
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        headers = list(pool.map(lambda _: [read_header(data) for _ in range(300)], range(4)))
    assert headers == [[(32, 32, False)] * 300] * 4
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_other_formats_are_left_to_their_decoders():
    assert not is_cut_off(b'') and not is_cut_off(b'RIFF....WEBP\xff\xda')
