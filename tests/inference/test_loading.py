"""An image in memory has the pixels of its file."""
import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.inference.loading import load


@pytest.mark.parametrize('ending', ['png', 'tif'])
def test_16_bits_in_a_pil_image_are_those_of_its_file(tmp_path, ending):
    path = str(tmp_path / f'deep.{ending}')
    cv2.imwrite(path, (np.arange(48 * 48).reshape(48, 48) * 28).astype(np.uint16))
    of_file = load(path, 0).pixels
    assert of_file.max() > 200 and of_file.std() > 50
    np.testing.assert_array_equal(load(Image.open(path), 0).pixels, of_file)


def test_a_pil_image_has_the_colors_of_its_file_and_stands_upright(tmp_path):
    path, exif = str(tmp_path / 'turned.jpg'), Image.Exif()
    exif[0x112] = 6  # to be turned to the right
    picture = Image.new('RGB', (64, 32), (250, 120, 0))
    picture.save(path, exif=exif, quality=95)
    of_file = load(path, 0).pixels
    assert of_file.shape == (64, 32, 3) and of_file[0, 0, 2] > 240 > 20 > of_file[0, 0, 0]
    np.testing.assert_allclose(load(Image.open(path), 0).pixels, of_file, atol=2)
