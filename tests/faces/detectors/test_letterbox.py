"""Where the pixels of an image go."""
import numpy as np
import pytest

from ssfer_mm.faces.detectors.letterbox import PAD_VALUE, letterbox, resize_longer_side
from support.detectors import noise


@pytest.mark.parametrize('height, width, expected', [
    (64, 64, (64, 64)),
    (128, 64, (64, 32)),
    (30, 90, (21, 64)),
    (1, 5000, (1, 64)),  # never less than a pixel
    (5000, 1, (64, 1)),
    (10, 7, (64, 45)),
])
def test_longer_side_fits_and_factors_are_exact(height, width, expected):
    image = np.zeros((height, width, 3), np.uint8)
    resized, (fx, fy) = resize_longer_side(image, 64)
    assert resized.shape[:2] == expected
    assert (width * fx, height * fy) == pytest.approx(expected[::-1])


def test_an_image_that_fits_is_copied_into_the_square_unchanged():
    (image, ) = noise((40, 64))
    square, factors = letterbox(image, 64)
    assert factors == (1, 1)
    np.testing.assert_array_equal(square[:40], image)
    assert (square[40:] == PAD_VALUE).all()
    square[:] = 0
    assert image.any(), 'the square is a copy'


def test_the_square_is_filled_with_the_grey_of_mmdet():
    square, _ = letterbox(np.zeros((10, 20, 3), np.uint8), 20)
    assert (square[10:] == 114).all()


def test_shrinking_averages():
    (small, ) = noise((32, 32))
    checks = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (32, 32))[..., None].repeat(3, 2)
    assert (letterbox(checks, 32)[0] == 100).all()
    large = small.repeat(3, 0).repeat(3, 1)
    np.testing.assert_array_equal(letterbox(large, 32)[0], small)


def test_a_huge_image_needs_little_more_memory_than_itself():
    """100 megapixels; no float copy, no square of that side."""
    import tracemalloc

    image = np.zeros((5_000, 20_000, 3), np.uint8)
    tracemalloc.start()
    letterbox(image, 224)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
