"""The detector without torch: geometry, suppression, and files that are none."""
import numpy as np
import pytest

from ssfer_onnx import OnnxFaceDetector, OnnxModelError
from support.onnx_models import brightness_detector, color_classifier


@pytest.fixture
def path(tmp_path):
    return brightness_detector(tmp_path / 'd.onnx')


def test_boxes_are_in_pixels_of_each_image_and_overlapping_ones_go(path):
    # The network sees 16 x 16; a bright image of 32 x 64 is shrunk to 8 x 16 there.
    bright = np.full((32, 64, 3), 255, np.uint8)
    square = np.full((16, 16, 3), 200, np.uint8)
    dark = np.zeros((16, 16, 3), np.uint8)
    wide, plain, none = OnnxFaceDetector(path, batch_size=2).detect([bright, square, dark])
    np.testing.assert_allclose(wide.boxes, [[8, 8, 40, 48]], atol=1e-4)
    np.testing.assert_allclose(wide.scores, [(255 + 114) / 2 / 255], atol=1e-3)
    np.testing.assert_allclose(plain.boxes, [[2, 2, 10, 12]], atol=1e-4)
    assert len(none.boxes) == len(none.scores) == 0


def test_distant_and_tolerated_faces_stay_best_first(tmp_path):
    image = np.full((16, 16, 3), 255, np.uint8)
    path = brightness_detector(tmp_path / 'd.onnx', ((0, 0, 4, 4), (8, 8, 12, 12), (1, 0, 5, 4)))
    found = OnnxFaceDetector(path).detect([image])[0]
    assert found.boxes.tolist() == [[0, 0, 4, 4], [8, 8, 12, 12]]
    # The third overlaps the first by 12 / 20.
    assert len(OnnxFaceDetector(path, nms_iou=0.61).detect([image])[0].boxes) == 3
    assert len(OnnxFaceDetector(path, score_threshold=0.95).detect([image])[0].boxes) == 1


@pytest.mark.parametrize('image, says', [
    (None, 'NoneType'),  # what cv2.imread gives of a file that is not there
    (np.zeros((9, 9), np.uint8), 'uint8 .9, 9.'), (np.zeros((9, 9, 3)), 'float64'),
    (np.zeros((9, 9, 4), np.uint8), '4'), (np.zeros((0, 9, 3), np.uint8), '0, 9')])
def test_what_is_no_image_is_named(path, image, says):
    good = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(OnnxModelError, match=f'image 1 is .*{says}.*; expected a uint8 array'):
        OnnxFaceDetector(path).detect([good, image])


def test_files_that_are_no_detector(tmp_path):
    with pytest.raises(OnnxModelError, match='does not exist.*export_onnx_detector'):
        OnnxFaceDetector(tmp_path / 'none.onnx')
    other = color_classifier(tmp_path / 'c.onnx', classes=list('abcd'), input_size=[4, 6])
    with pytest.raises(OnnxModelError, match='export_onnx_detector'):
        OnnxFaceDetector(other)
