"""Square crops: the square is where it should be, and so are the pixels."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssfer_mm.errors import UserError
from ssfer_mm.faces.square_crop import cut_square, square_around

edge = st.floats(-200, 200)
length = st.floats(0.5, 300)


@given(x=edge, y=edge, w=length, h=length, margin=st.floats(-.4, 2))
def test_the_square_is_about_the_face_and_has_its_margin(x, y, w, h, margin):
    x1, y1, x2, y2 = square_around((x, y, x + w, y + h), margin)
    assert x2 - x1 == y2 - y1 >= 1
    assert abs((x1 + x2) / 2 - (x + w / 2)) <= 1 and abs((y1 + y2) / 2 - (y + h / 2)) <= 1
    assert abs((x2 - x1) - max(w, h) * (1 + 2 * margin)) <= 1


def padded(image, square):
    """Slow and obvious: every pixel of the square, or the nearest of the image."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = square
    return np.array([[image[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]
                      for x in range(x1, x2)] for y in range(y1, y2)])


@pytest.mark.parametrize('square', [
    (1, 1, 4, 4), (-3, -2, 4, 5), (3, 2, 12, 11), (-5, -5, 20, 20), (30, 30, 33, 33)])
def test_past_the_border_the_outermost_pixels_are_repeated(square):
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    cut = cut_square(image, square, square[2] - square[0])
    assert cut.dtype == np.uint8 and np.array_equal(cut, padded(image, square))


@pytest.mark.parametrize('size', [8, 64])
def test_resizing_keeps_the_picture(size):
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16] = 200
    cut = cut_square(image, (0, 0, 32, 32), size)
    assert cut.shape == (size, size, 3)
    # Bicubic interpolation overshoots a little beside an edge.
    assert (cut[:size // 2 - 1] >= 180).all() and (cut[size // 2 + 1:] <= 20).all()


def test_a_larger_cut_is_averaged():
    """Every eighth column is bright: cubic interpolation would look between them."""
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = 200
    assert (cut_square(stripes, (0, 0, 64, 64), 8) == 25).all()


def test_a_smaller_cut_is_smooth():
    """Areas would make blocks of it."""
    ramp = np.full((8, 8, 3), np.arange(0, 160, 20)[None, :, None], np.uint8)
    assert len(set(cut_square(ramp, (0, 0, 8, 8), 32)[16, 8:24, 0].tolist())) >= 12


def test_a_cut_has_memory_of_its_own():
    image = np.zeros((32, 32, 3), np.uint8)
    assert not np.shares_memory(cut_square(image, (4, 4, 12, 12), 8), image)


@pytest.mark.parametrize('margin', [-.5, 11, float('nan')])
def test_an_impossible_margin_is_refused(margin):
    with pytest.raises(UserError, match='--margin'):
        square_around((0, 0, 1, 1), margin)
