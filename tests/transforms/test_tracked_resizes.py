"""Tracked resizes and flips, and the padding that needs no tracking."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.painted import (
    HALF_PIXEL,
    OVERSHOOT,
    assert_box_lies_on_paint,
    assert_hull_holds_paint,
    assert_pixels_are_the_parents,
    build,
    many,
    rectangles,
)

DIRECTIONS = ['horizontal', 'vertical', 'diagonal']


@many
@given(case=rectangles(), direction=st.sampled_from(DIRECTIONS))
def test_flip_matrix_is_exact(case, direction):
    flip = dict(type='TrackedRandomFlip', prob=1, direction=direction)
    assert_box_lies_on_paint(build(flip), case, 0, tolerance=0)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31))
def test_flip_with_several_directions_is_exact(case, seed):
    flip = dict(type='TrackedRandomFlip', prob=[0.3, 0.3, 0.3], direction=DIRECTIONS)
    assert_box_lies_on_paint(build(flip), case, seed, tolerance=0)


@many
@given(case=rectangles(), keep_ratio=st.booleans(), scale=st.sampled_from([48, (96, 64), 150]))
def test_resize_matrix_describes_the_pixels(case, keep_ratio, scale):
    resize = dict(type='TrackedResize', scale=scale, keep_ratio=keep_ratio)
    assert_box_lies_on_paint(build(resize), case, 0, HALF_PIXEL)


@many
@given(case=rectangles(), edge=st.sampled_from(['short', 'long', 'width', 'height']),
       scale=st.integers(40, 120))
def test_resize_edge_matrix_describes_the_pixels(case, edge, scale):
    resize = dict(type='TrackedResizeEdge', scale=scale, edge=edge)
    assert_box_lies_on_paint(build(resize), case, 0, HALF_PIXEL)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31))
@pytest.mark.parametrize('resize', [
    dict(type='RandomResize', scale=[(40, 60), (90, 120)], keep_ratio=False),
    dict(type='RandomChoiceResize', scales=[(48, 48), (80, 60)], keep_ratio=True),
])
def test_random_resizes_around_a_tracked_one_are_tracked(resize, case, seed):
    assert_box_lies_on_paint(build(dict(resize, resize_type='TrackedResize')), case, seed,
                             HALF_PIXEL)


@many
@given(case=rectangles(), pad=st.sampled_from([
    dict(size=(100, 95)), dict(size_divisor=32), dict(pad_to_square=True),
    dict(pad_to_square=True, size_divisor=16)]))
def test_the_stock_padding_moves_nothing(case, pad):
    assert_box_lies_on_paint(build(dict(type='Pad', **pad)), case, 0, tolerance=0)


CHAIN = [dict(type='TrackedRandomResizedCrop', scale=(64, 80)), dict(type='TrackedRandomFlip'),
         dict(type='TrackedResize', scale=(120, 100)),
         dict(type='TrackedRandomFlip', direction='vertical')]


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), steps=st.permutations(CHAIN))
def test_any_order_of_steps_adds_up(case, seed, steps):
    assert_box_lies_on_paint(build(*steps), case, seed, tolerance=1, raw_tolerance=OVERSHOOT)


@many
@given(case=rectangles(), seed=st.integers(0, 2**31), steps=st.permutations([
    *CHAIN, dict(type='Pad', size_divisor=32),
    dict(type='TrackedRandomCrop', crop_size=50, padding=4)]))
def test_padding_between_the_steps_adds_up_too(case, seed, steps):
    # What one step cuts off, padding does not bring back, so the box may reach past the paint. A
    # later enlargement, up to tenfold here, enlarges the tenth of a pixel of an earlier overshoot.
    assert_hull_holds_paint(build(*steps), case, seed, tolerance=2)


@pytest.mark.parametrize('ours, parent', [
    (dict(type='TrackedRandomFlip'), dict(type='RandomFlip', prob=0.5)),
    (dict(type='TrackedRandomFlip', prob=1, direction='diagonal'),
     dict(type='RandomFlip', prob=1., direction='diagonal')),
    (dict(type='TrackedRandomFlip', prob=(0.4, 0.4), direction=('horizontal', 'vertical')),
     dict(type='RandomFlip', prob=[0.4, 0.4], direction=['horizontal', 'vertical'])),
    (dict(type='TrackedResize', scale=48), dict(type='Resize', scale=48)),
    (dict(type='TrackedResize', scale=[50, 30], keep_ratio=True, interpolation='area'),
     dict(type='Resize', scale=(50, 30), keep_ratio=True, interpolation='area')),
    (dict(type='TrackedResizeEdge', scale=50), dict(type='ResizeEdge', scale=50)),
    (dict(type='TrackedResizeEdge', scale=33, edge='long', backend='pillow',
          interpolation='bicubic'),
     dict(type='ResizeEdge', scale=33, edge='long', backend='pillow', interpolation='bicubic')),
])
@pytest.mark.parametrize('size', [(61, 47), (12, 90)])
def test_pixels_are_the_parents(ours, parent, size):
    assert_pixels_are_the_parents(ours, parent, size)
