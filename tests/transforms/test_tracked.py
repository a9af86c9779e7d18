"""Tracked geometry: the parent's pixels, and a matrix that says what happened to them."""
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS

from reference.boxes import extents_of_white, painted
from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import clip_boxes, transform_boxes
from ssfer_mm.transforms import check_tracked

# An edge of the painted rectangle is found at the nearest pixel border of the view. Bicubic
# interpolation overshoots near corners, which moves a half-bright edge by up to a tenth of a raw
# pixel.
HALF_PIXEL = 0.5 + 1e-6
OVERSHOOT = 0.1


def build(*steps):
    return Compose([TRANSFORMS.build(dict(type='LoadFace'))] +
                   [TRANSFORMS.build(dict(step)) for step in steps])


@st.composite
def rectangles(draw):
    """Image size (h, w) and a rectangle of whole pixels in it, at least eight wide and high."""
    h, w = draw(st.integers(16, 90)), draw(st.integers(16, 90))
    x1, y1 = draw(st.integers(0, w - 8)), draw(st.integers(0, h - 8))
    return (h, w), (x1, y1, draw(st.integers(x1 + 8, w)), draw(st.integers(y1 + 8, h)))


def assert_box_lies_on_paint(pipeline, case, seed, tolerance, raw_tolerance=0.):
    (h, w), box = case
    np.random.seed(seed)
    results = pipeline(dict(img=painted(h, w, box)))
    shape = results['img'].shape[:2]
    assert results['img_shape'] == shape
    where = clip_boxes(transform_boxes(np.array(box, float), results['view_matrix']), shape)
    scale = np.abs(np.diag(results['view_matrix'])[[0, 1, 0, 1]])
    # Less than two pixels, of the view or of the raw image, are nowhere fully white.
    assume((where[2:] - where[:2] > 2 * np.maximum(scale[:2], 1)).all())
    off = np.abs(np.array(extents_of_white(results['img'])) - where)
    assert (off <= tolerance + raw_tolerance * scale).all()


CROP = dict(type='TrackedRandomResizedCrop', scale=(64, 80))
FLIP = dict(type='TrackedRandomFlip', prob=1.0)
# Derandomized: interpolation has rare corner cases that say nothing about the matrices.
many = settings(deadline=None, max_examples=120, derandomize=True)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), scale=st.sampled_from([48, (64, 80), 200]),
       interpolation=st.sampled_from(['bicubic', 'bilinear']))
def test_crop_matrix_describes_the_pixels(case, seed, scale, interpolation):
    crop = dict(CROP, scale=scale, interpolation=interpolation)
    raw_tolerance = OVERSHOOT if interpolation == 'bicubic' else 0.
    assert_box_lies_on_paint(build(crop), case, seed, HALF_PIXEL, raw_tolerance)


@many
@given(case=rectangles(), direction=st.sampled_from(['horizontal', 'vertical', 'diagonal']))
def test_flip_matrix_is_exact(case, direction):
    assert_box_lies_on_paint(build(dict(FLIP, direction=direction)), case, 0, tolerance=0)


@many
@given(case=rectangles(), keep_ratio=st.booleans(), scale=st.sampled_from([48, (96, 64), 150]))
def test_resize_matrix_describes_the_pixels(case, keep_ratio, scale):
    resize = dict(type='TrackedResize', scale=scale, keep_ratio=keep_ratio)
    assert_box_lies_on_paint(build(resize), case, 0, HALF_PIXEL)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), steps=st.permutations([
    CROP, dict(FLIP, prob=0.5), dict(type='TrackedResize', scale=(120, 100)),
    dict(FLIP, prob=0.5, direction='vertical')]))
def test_any_order_of_steps_adds_up(case, seed, steps):
    assert_box_lies_on_paint(build(*steps), case, seed, tolerance=1, raw_tolerance=OVERSHOOT)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31))
def test_two_crops_add_up_in_the_right_order(case, seed):
    crop = dict(CROP, interpolation='bilinear')
    pipeline = build(crop, FLIP, dict(crop, scale=100))
    # The second crop enlarges the half pixel by which the first may be off, up to 3.6 times.
    assert_box_lies_on_paint(pipeline, case, seed, tolerance=2.3)


@pytest.mark.parametrize('ours, parent', [
    (dict(type='TrackedRandomResizedCrop', scale=48),
     dict(type='RandomResizedCrop', scale=48, crop_ratio_range=(0.2, 1.), interpolation='bicubic')),
    (dict(type='TrackedRandomResizedCrop', scale=(20, 30), crop_ratio_range=[0.5, 0.6],
          aspect_ratio_range=[1, 2], interpolation='bilinear', backend='pillow', max_attempts=3),
     dict(type='RandomResizedCrop', scale=(20, 30), crop_ratio_range=(0.5, 0.6),
          aspect_ratio_range=(1, 2), interpolation='bilinear', backend='pillow', max_attempts=3)),
    (dict(type='TrackedRandomFlip'), dict(type='RandomFlip', prob=0.5)),
    (dict(type='TrackedRandomFlip', prob=1, direction='diagonal'),
     dict(type='RandomFlip', prob=1., direction='diagonal')),
    (dict(type='TrackedResize', scale=48), dict(type='Resize', scale=48)),
    (dict(type='TrackedResize', scale=[50, 30], keep_ratio=True, interpolation='area'),
     dict(type='Resize', scale=(50, 30), keep_ratio=True, interpolation='area')),
])
@pytest.mark.parametrize('size', [(61, 47), (12, 90)])  # the second makes crops fall back
def test_pixels_are_the_parents(ours, parent, size):
    img = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    ours, parent = build(ours), build(parent)
    for seed in range(10):
        np.random.seed(seed)
        expected = parent(dict(img=img.copy()))['img']
        after = np.random.rand()
        np.random.seed(seed)
        assert np.array_equal(ours(dict(img=img.copy()))['img'], expected)
        assert np.random.rand() == after, 'it drew a different amount of randomness'


@pytest.mark.parametrize('step, advice', [
    (dict(type='RandomResizedCrop', scale=48), 'use TrackedRandomResizedCrop'),
    (dict(type='mmpretrain.RandomFlip', prob=0.5), 'use TrackedRandomFlip'),
    (dict(type='Resize', scale=48), 'use TrackedResize'),
    (dict(type='ResizeEdge', scale=48), 'use TrackedResize'),
    (dict(type='RandAugment', policies='timm_increasing'), 'colour policies'),
    (dict(type='RandAugment', policies=[dict(type='Rotate')]), 'Rotate moves pixels'),
    (dict(type='AutoAugment', policies=[[dict(type='Equalize'), dict(type='Shear')]]), 'Shear'),
    (dict(type='RandomApply', transforms=[dict(type='CenterCrop')]), 'use TrackedResize'),
    (dict(type='RandomChoice', transforms=[[dict(type='Pad')]]), 'boxes=None'),
    (dict(type='torchvision/RandomHorizontalFlip'), 'use TrackedRandomFlip'),
])
def test_a_transform_that_loses_the_face_is_refused(step, advice):
    with pytest.raises(UserError, match=advice) as caught:
        check_tracked([dict(type='LoadFace'), CROP, step, dict(type='PackFace')])
    assert '\n' not in str(caught.value)


def test_built_transforms_are_checked_too():
    from mmcv.transforms import RandomFlip
    with pytest.raises(UserError, match='TrackedRandomFlip'):
        check_tracked([RandomFlip(prob=0.5)])
    with pytest.raises(UserError, match='TrackedRandomFlip'):
        check_tracked([dict(type=RandomFlip, prob=0.5)])


def test_colour_transforms_and_tracked_ones_are_welcome():
    check_tracked([
        dict(type='LoadFace'), CROP, FLIP, dict(type='TrackedResize', scale=48),
        dict(type='ColorJitter', brightness=0.2), dict(type='RandomErasing'),
        dict(type='RandAugment', policies=[dict(type='Equalize'), dict(type='Solarize')]),
        dict(type='PackFace')
    ])
