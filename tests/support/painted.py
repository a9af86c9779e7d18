"""Pipelines run on a painted rectangle: does its box lie on the paint?"""
import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS

from reference.boxes import extents_of_white, painted
from ssfer_mm.faces.boxes import clip_boxes, transform_box

# An edge of the painted rectangle is found at the nearest pixel border of the view. Bicubic
# interpolation overshoots near corners, which moves a half-bright edge by up to a tenth of a raw
# pixel.
HALF_PIXEL = 0.5 + 1e-6
OVERSHOOT = 0.1
# Derandomized: interpolation has rare corner cases that say nothing about the matrices.
many = settings(deadline=None, max_examples=120, derandomize=True)


def build(*steps):
    return Compose([TRANSFORMS.build(dict(type='LoadFace'))] +
                   [TRANSFORMS.build(dict(step)) for step in steps])


@st.composite
def rectangles(draw, smallest=8):
    """Image size (h, w) and a rectangle of whole pixels in it, ``smallest`` wide and high."""
    h, w = draw(st.integers(2 * smallest, 90)), draw(st.integers(2 * smallest, 90))
    x1, y1 = draw(st.integers(0, w - smallest)), draw(st.integers(0, h - smallest))
    return (h, w), (x1, y1, draw(st.integers(x1 + smallest, w)),
                    draw(st.integers(y1 + smallest, h)))


@st.composite
def inner_rectangles(draw):
    """The same in the middle half of an image, from where a mild warp does not push it out."""
    h, w = draw(st.integers(48, 90)), draw(st.integers(48, 90))
    x1, y1 = draw(st.integers(w // 4, w // 2 - 4)), draw(st.integers(h // 4, h // 2 - 4))
    return (h, w), (x1, y1, draw(st.integers(x1 + 12, w - w // 4)),
                    draw(st.integers(y1 + 12, h - h // 4)))


def assert_box_lies_on_paint(pipeline, case, seed, tolerance, raw_tolerance=0.):
    """For crops, flips and resizes: the box is where the paint is, and not larger."""
    (h, w), box = case
    np.random.seed(seed)
    results = pipeline(dict(img=painted(h, w, box)))
    shape = results['img'].shape[:2]
    assert results['img_shape'][:2] == shape
    where = clip_boxes(np.array(transform_box(box, results['view_matrix'])), shape)
    scale = np.abs(np.diag(results['view_matrix'])[[0, 1, 0, 1]])
    # Less than two pixels, of the view or of the raw image, are nowhere fully white.
    assume((where[2:] - where[:2] > 2 * np.maximum(scale[:2], 1)).all())
    off = np.abs(np.array(extents_of_white(results['img'])) - where)
    assert (off <= tolerance + raw_tolerance * scale).all()


def assert_hull_holds_paint(pipeline, case, seed, tolerance):
    """For anything: no paint lies outside the box; and the box ends where the paint ends, if no
    step pushed a part of it out of the picture."""
    (h, w), box = case
    np.random.seed(seed)
    results, whole = dict(img=painted(h, w, box)), True
    for step in pipeline.transforms:
        results = step(results)
        hull = np.array(transform_box(box, results['view_matrix']))
        height, width = results['img'].shape[:2]
        whole &= bool((hull >= 0).all() and (hull <= [width, height, width, height]).all())
    white = extents_of_white(results['img'])
    assume(white is not None)
    outside = np.array([hull[0] - white[0], hull[1] - white[1], white[2] - hull[2],
                        white[3] - hull[3]])
    assert (outside <= tolerance).all()
    if whole:
        assert (-outside <= tolerance).all()
    return whole


def assert_pixels_are_the_parents(ours, parent, size):
    """Same pixels, and the same amount of randomness drawn, over ten seeds."""
    img = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    ours, parent = build(ours), build(parent)
    for seed in range(10):
        np.random.seed(seed)
        expected = parent(dict(img=img.copy()))['img']
        after = np.random.rand()
        np.random.seed(seed)
        found = ours(dict(img=img.copy()))['img']
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
        assert np.random.rand() == after, 'it drew a different amount of randomness'
