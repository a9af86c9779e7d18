"""Which detections count as found."""
import numpy as np
import pytest

from ssfer_mm.evaluation.face_matching import Matches, iou_table, match_faces, summarize

A, B = [0, 0, 10, 10], [20, 0, 30, 10]


@pytest.mark.parametrize('found, reference, iou, spare', [
    ([A], [A], [1], 0),
    ([[0, 0, 10, 5]], [A], [.5], 0),  # 0.5 counts
    ([[0, 0, 10, 4.9]], [A], [0], 1),
    ([], [A], [0], 0),
    ([A], [], [], 1),
    ([B, A], [A, B], [1, 1], 0),  # in any order
    ([[0, 0, 10, 9], A], [A], [.9], 1),  # the better score counts, not the better box
    ([A, A], [A, B], [1, 0], 1),  # twice the same face
])
def test_cases(found, reference, iou, spare):
    got = match_faces(np.array(found, float), np.array(reference, float))
    np.testing.assert_allclose(got.iou, iou)
    assert got.spare == spare


def test_iou_by_counting_pixels():
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.integers(0, 12, (8, 2, 2)), axis=1).reshape(8, 4)
    grids = np.zeros((8, 12, 12), bool)
    for grid, (x1, y1, x2, y2) in zip(grids, boxes):
        grid[y1:y2, x1:x2] = True
    slow = [[(a & b).sum() / max((a | b).sum(), 1) for b in grids[5:]] for a in grids[:5]]
    np.testing.assert_allclose(iou_table(boxes[:5], boxes[5:]), slow)


def test_two_empty_boxes_do_not_overlap():
    assert iou_table(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 1, 1]])).tolist() == [[0]]


def test_missed_faces_lower_the_mean_iou():
    figures = summarize([Matches(np.array([.8, 0.]), 1), Matches(np.array([]), 0)])
    assert figures == dict(faces=2, found=.5, iou=.4, spare=.5)
    with pytest.raises(ValueError, match='no reference face'):
        summarize([])


def test_spare_detections_are_counted_per_image():
    figures = summarize([Matches(np.array([.8, 0., .7]), 1), Matches(np.array([]), 2)])
    assert figures['spare'] == 1.5 and figures['faces'] == 3
