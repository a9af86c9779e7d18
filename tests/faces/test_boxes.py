"""Box geometry against the obvious reference, and its limits."""
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference.boxes import exact_iou, hull_of_corners
from ssfer_mm.faces.boxes import (
    box_area,
    clip_boxes,
    crop_resize_matrix,
    flip_matrix,
    paired_iou,
    transform_box,
)

NAN = float('nan')
coordinate = st.integers(-400, 400).map(lambda value: value / 8)
side = st.integers(1, 400).map(lambda value: value / 8)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), coordinate, coordinate, side, side)
matrices = st.lists(st.integers(-24, 24), min_size=6, max_size=6).map(
    lambda v: np.array([v[:3], v[3:], [0, 0, 8]]) / 8)


@given(box=boxes, matrix=matrices)
def test_transform_is_the_hull_of_the_transformed_corners(box, matrix):
    expected = hull_of_corners(box, matrix)
    assert transform_box(box, matrix) == pytest.approx(expected, abs=1e-9)


def test_an_unknown_box_stays_unknown():
    unknown = np.full((1, 4), np.nan)
    assert np.isnan(clip_boxes(unknown, (48, 48))).all()
    assert torch.isnan(clip_boxes(torch.tensor(unknown), (48, 48))).all()
    assert np.isnan(box_area(unknown)).all()
    assert np.isnan(transform_box([NAN] * 4, flip_matrix(48))).all()


@pytest.mark.parametrize('matrix, point, expected', [
    (crop_resize_matrix(10, 20, 30, 40, 60, 20), (10, 20), (0, 0)),  # the crop's corner is 0, 0
    (crop_resize_matrix(10, 20, 30, 40, 60, 20), (40, 60), (60, 20)),  # the other fills the view
    (flip_matrix(48), (0, 5), (48, 5)),  # the left edge, not the center of pixel 0, goes to 48
    (flip_matrix(48, 32, 'vertical'), (3, 0), (3, 32)),
    (flip_matrix(48, 32, 'diagonal'), (48, 32), (0, 0)),
])
def test_matrices_map_edges_to_edges(matrix, point, expected):
    assert (matrix @ [*point, 1])[:2] == pytest.approx(expected)


def test_unknown_flip_direction_is_refused():
    with pytest.raises(ValueError, match="'sideways'.*'horizontal'"):
        flip_matrix(48, 48, 'sideways')


@pytest.mark.parametrize('box, clipped', [
    ((-5, -6, 60, 70), (0, 0, 40, 30)),  # larger than the view on every side
    ((3, 4, 5, 6), (3, 4, 5, 6)),  # inside: untouched
    ((50, 10, 60, 20), (40, 10, 40, 20)),  # outside on the right: no area left
])
def test_clip_to_height_30_width_40(box, clipped):
    assert clip_boxes(np.array(box, float), (30, 40)).tolist() == list(clipped)
    assert clip_boxes(torch.tensor(box, dtype=torch.float), (30, 40)).tolist() == list(clipped)


def test_inverted_boxes_have_no_area():
    # Both sides negative must not multiply into a positive area.
    # Also where only the width, or only the height, is negative.
    boxes = np.array([[5., 5., 1., 1.], [5., 0., 1., 3.], [0., 5., 3., 1.], [0., 0., 2., 3.]])
    assert box_area(boxes).tolist() == [0., 0., 0., 6.]
    assert box_area(torch.tensor(boxes)).tolist() == [0., 0., 0., 6.]


@given(pairs=st.lists(st.tuples(boxes, boxes), min_size=1, max_size=5))
def test_iou_equals_exact_arithmetic_and_is_symmetric(pairs):
    a, b = (np.array(side_) for side_ in zip(*pairs))
    iou = paired_iou(a, b)
    assert iou.tolist() == pytest.approx([exact_iou(x, y) for x, y in pairs], abs=1e-12)
    assert torch.equal(iou, paired_iou(torch.tensor(b), torch.tensor(a)))


@given(box=boxes, matrix=st.builds(crop_resize_matrix, coordinate, coordinate, side, side, side,
                                   side))
def test_iou_with_itself_is_one_in_any_view(box, matrix):
    seen = torch.tensor([transform_box(box, matrix)])
    if box_area(seen) > 0:
        assert paired_iou(seen, seen).item() == 1


@pytest.mark.parametrize('a, b, expected', [
    ((0, 0, 2, 2), (2, 0, 4, 2), 0.),  # touching edges share nothing
    ((0, 0, 0, 0), (0, 0, 0, 0), 0.),  # two empty boxes do not overlap perfectly
    ((0, 0, 2, 2), (1, 1, 1, 1), 0.),  # a point inside a box
    ((2, 2, 0, 0), (0, 0, 2, 2), 0.),  # inverted
    ((0, 0, 2, 2), (NAN, NAN, NAN, NAN), NAN),  # unknown is not "no overlap"
    ((NAN, 0, 1, 1), (0, 0, 0, 0), NAN),
])
def test_iou_limits(a, b, expected):
    found = paired_iou(torch.tensor([a], dtype=torch.float), torch.tensor([b], dtype=torch.float))
    assert found.item() == pytest.approx(expected, nan_ok=True)


def test_iou_of_nothing_is_empty_and_of_different_shapes_an_error():
    assert paired_iou(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0, )
    with pytest.raises(ValueError, match=r'\(2, 4\) and \(3, 4\)'):
        paired_iou(torch.zeros(2, 4), torch.zeros(3, 4))
