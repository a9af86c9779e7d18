"""Tracked crops: the parent's pixels, and a matrix that says what happened to them."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.painted import (
    HALF_PIXEL,
    OVERSHOOT,
    assert_box_lies_on_paint,
    assert_pixels_are_the_parents,
    build,
    many,
    rectangles,
)

RESIZED_CROP = dict(type='TrackedRandomResizedCrop', scale=(64, 80))
FLIP = dict(type='TrackedRandomFlip', prob=1.0)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), scale=st.sampled_from([48, (64, 80), 200]),
       interpolation=st.sampled_from(['bicubic', 'bilinear']))
def test_resized_crop_matrix_describes_the_pixels(case, seed, scale, interpolation):
    crop = dict(RESIZED_CROP, scale=scale, interpolation=interpolation)
    raw_tolerance = OVERSHOOT if interpolation == 'bicubic' else 0.
    assert_box_lies_on_paint(build(crop), case, seed, HALF_PIXEL, raw_tolerance)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31))
def test_two_crops_add_up_in_the_right_order(case, seed):
    crop = dict(RESIZED_CROP, interpolation='bilinear')
    pipeline = build(crop, FLIP, dict(crop, scale=100))
    # The second crop enlarges the half pixel by which the first may be off, up to 3.6 times.
    assert_box_lies_on_paint(pipeline, case, seed, tolerance=2.3)


@many
@given(case=rectangles(), width=st.integers(5, 100), height=st.integers(5, 100),
       auto_pad=st.booleans())
def test_center_crop_matrix_is_exact(case, width, height, auto_pad):
    crop = dict(type='TrackedCenterCrop', crop_size=(width, height), auto_pad=auto_pad)
    assert_box_lies_on_paint(build(crop), case, 0, tolerance=0)


PADDINGS = st.sampled_from([None, 3, (2, 5), (0, 1, 7, 3)])


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), padding=PADDINGS,
       size=st.sampled_from([(20, 30), (70, 50), (100, 16)]), pad_if_needed=st.booleans())
def test_random_crop_matrix_is_exact(case, seed, padding, size, pad_if_needed):
    crop = dict(type='TrackedRandomCrop', crop_size=size, padding=padding,
                pad_if_needed=pad_if_needed)
    assert_box_lies_on_paint(build(crop), case, seed, tolerance=0)


@pytest.mark.parametrize('options, ours_only', [
    (dict(type='RandomResizedCrop', scale=48), dict(crop_ratio_range=(0.08, 1.),
                                                    interpolation='bilinear')),
    (dict(type='RandomResizedCrop', scale=(20, 30), crop_ratio_range=(0.5, 0.6),
          aspect_ratio_range=(1, 2), interpolation='bicubic', backend='pillow', max_attempts=3),
     {}),
    (dict(type='CenterCrop', crop_size=40), {}),
    (dict(type='CenterCrop', crop_size=(70, 30), auto_pad=True,
          pad_cfg=dict(type='Pad', pad_val=114)), {}),
    (dict(type='RandomCrop', crop_size=40), {}),
    (dict(type='RandomCrop', crop_size=(40, 20), padding=(1, 2, 3, 4), pad_val=7), {}),
    (dict(type='RandomCrop', crop_size=70, padding=5, pad_if_needed=True,
          padding_mode='reflect'), {}),
])
@pytest.mark.parametrize('size', [(61, 47), (12, 90)])  # the second makes crops fall back
def test_pixels_are_the_parents(options, ours_only, size):
    ours = dict(options, type='Tracked' + options['type'], **ours_only)
    assert_pixels_are_the_parents(ours, options, size)


def test_what_is_not_set_of_a_resized_crop_is_the_methods():
    assert_pixels_are_the_parents(
        dict(type='TrackedRandomResizedCrop', scale=48),
        dict(type='RandomResizedCrop', scale=48, crop_ratio_range=(0.2, 1.),
             interpolation='bicubic'), (61, 47))
