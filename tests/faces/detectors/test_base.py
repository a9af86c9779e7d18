"""Scores, order and input of every detector; and the fixed box."""
import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import FixedBoxDetector
from ssfer_mm.faces.detectors.base import best_first, check_detector, check_images

NAN, INF = float('nan'), float('inf')


def test_best_first_sorts_and_drops_what_is_no_box():
    boxes = [[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 5, 9], [9, 0, 7, 1], [0, NAN, 1, 1],
             [0, 0, INF, 1], [4, 4, 6, 6], [-3, -3, 1, 1]]
    scores = [.5, .9, 1, 1, 1, 1, .49, .9]
    faces = best_first(np.array(boxes), np.array(scores), 0.5)
    # Equal scores keep their order, the threshold itself is high enough, and nothing is clipped.
    assert faces.boxes.tolist() == [[1, 1, 3, 3], [-3, -3, 1, 1], [0, 0, 2, 2]]
    assert faces.scores.tolist() == pytest.approx([.9, .9, .5])
    assert (faces.boxes.dtype, faces.scores.dtype, len(faces)) == (np.float32, np.float32, 3)


def test_nothing_found_keeps_its_shape():
    faces = best_first(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert faces.boxes.shape == (0, 4) and faces.scores.shape == (0, )


@pytest.mark.parametrize('image, message', [
    (np.zeros((4, 4), np.uint8), r'image 1 .* uint8 \(4, 4\)'),
    (np.zeros((4, 4, 4), np.uint8), r'uint8 \(4, 4, 4\)'),
    (np.zeros((4, 4, 3), np.uint16), r'uint16 \(4, 4, 3\)'),
    (np.zeros((0, 4, 3), np.uint8), r'uint8 \(0, 4, 3\)'),
    (None, 'NoneType'),
])
def test_what_is_no_image_is_named(image, message):
    with pytest.raises(UserError, match=message):
        check_images([np.zeros((4, 4, 3), np.uint8), image])


@pytest.mark.parametrize('settings, name', [
    (dict(score_threshold=1.1), 'score_threshold'), (dict(score_threshold=.5, nms_iou=-1), 'nms'),
    (dict(score_threshold=.5, batch_size=0), 'batch_size'),
    (dict(score_threshold=.5, input_size=16), 'input_size')])
def test_settings_out_of_range(settings, name):
    with pytest.raises(UserError, match=f'MyDetector: {name}'):
        check_detector('MyDetector', **settings)


def test_fixed_box_is_scaled_to_each_image():
    detector = FixedBoxDetector()
    square, tall = detector.detect([np.zeros((224, 224, 3), np.uint8),
                                    np.zeros((96, 48, 3), np.uint8)])
    assert square.boxes.tolist() == [[25, 25, 220, 220]]
    np.testing.assert_allclose(
        tall.boxes, [[25 * 48 / 224, 25 * 96 / 224, 220 * 48 / 224, 220 * 96 / 224]], rtol=1e-6)
    assert tall.scores.tolist() == [1]
    assert detector.describe()['box'] == [25, 25, 220, 220]


@pytest.mark.parametrize('box', [(0, 0, 0, 9), (9, 0, 0, 9), (1, 2, 3)])
def test_a_fixed_box_must_be_a_box(box):
    with pytest.raises(UserError, match='x1 < x2'):
        FixedBoxDetector(box=box)
