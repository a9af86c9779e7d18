"""Tracked rotation, shear, translation, alone and drawn by RandAugment and AutoAugment."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.boxes import centre_of_white, extents_of_white, painted
from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import transform_box
from support.painted import (
    assert_hull_holds_paint,
    assert_pixels_are_the_parents,
    build,
    inner_rectangles,
    many,
)

# The tip of a rotated or sheared corner covers no pixel by half: it ends up to a pixel early.
TIP = 1.6
BLACK = dict(prob=1., pad_val=0)
WARPS = {
    'rotate': dict(type='TrackedRotate', magnitude_range=(0, 45), **BLACK),
    'scaled': dict(type='TrackedRotate', magnitude_range=(0, 45), scale=1.3, **BLACK),
    'around': dict(type='TrackedRotate', magnitude_range=(0, 20), center=(30., 20.), **BLACK),
    'shear_x': dict(type='TrackedShear', magnitude_range=(0, 0.4), **BLACK),
    'shear_y': dict(type='TrackedShear', magnitude_range=(0, 0.4), direction='vertical', **BLACK),
    'move_x': dict(type='TrackedTranslate', magnitude_range=(0, 0.4), **BLACK),
    'move_y': dict(type='TrackedTranslate', magnitude_range=(0, 0.4), direction='vertical',
                   **BLACK),
}
for _warp in WARPS.values():
    _warp.update(magnitude_level=10, magnitude_std='inf')
interpolations = st.sampled_from(['nearest', 'bilinear', 'bicubic'])


@pytest.mark.parametrize('name', WARPS)
def test_hull_holds_the_warped_rectangle(name):
    kept_whole = []

    @many
    @given(case=inner_rectangles(), seed=st.integers(0, 2**31), interpolation=interpolations)
    def check(case, seed, interpolation):
        warp = build(dict(WARPS[name], interpolation=interpolation))
        kept_whole.append(assert_hull_holds_paint(warp, case, seed, TIP))

    check()
    assert sum(kept_whole) > 30, 'too few rectangles stayed inside to compare the whole box'


@pytest.mark.parametrize('name', WARPS)
def test_matrix_is_right_to_a_fraction_of_a_pixel(name):
    # The center of mass knows the half pixel between indices and coordinates; extents do not.
    warp = build(dict(WARPS[name], interpolation='bilinear', magnitude_range=(0, 0.2) if
                      'Rotate' not in WARPS[name]['type'] else (0, 20)))
    for seed in range(20):
        np.random.seed(seed)
        results = warp(dict(img=painted(80, 70, (26, 30, 42, 52))))
        expected = results['view_matrix'] @ [34, 41, 1]
        off = np.abs(centre_of_white(results['img']) - expected[:2])
        assert off.max() < (0.08 if name == 'scaled' else 0.04)


@pytest.mark.parametrize('angle', [90, 180, 270, -90])
def test_right_angles_are_exact(angle):
    rotate = build(dict(type='TrackedRotate', angle=angle, random_negative_prob=0., **BLACK))
    results = rotate(dict(img=painted(60, 60, (10, 20, 24, 51))))
    box = transform_box((10, 20, 24, 51), results['view_matrix'])
    assert np.allclose(box, extents_of_white(results['img']), atol=1e-6)


RAND_AUGMENT = dict(policies='timm_increasing', num_policies=2, total_level=10, magnitude_level=9,
                    magnitude_std=0.5)
ONLY_WARPS = [dict(type='Rotate', magnitude_range=(0, 30)),
              dict(type='Shear', magnitude_range=(0, 0.3)),
              dict(type='Shear', magnitude_range=(0, 0.3), direction='vertical'),
              dict(type='Translate', magnitude_range=(0, 0.2)),
              dict(type='mmpretrain.Translate', magnitude_range=(0, 0.2), direction='vertical')]


@many
@given(case=inner_rectangles(), seed=st.integers(0, 2**31))
def test_rand_augment_in_a_chain(case, seed):
    chain = build(
        dict(type='TrackedResize', scale=(72, 80)), dict(type='TrackedRandomFlip'),
        dict(type='TrackedRandAugment', policies=ONLY_WARPS, num_policies=3, magnitude_level=5,
             magnitude_std='inf', hparams=dict(pad_val=0, interpolation='bilinear')),
        dict(type='Pad', pad_to_square=True), dict(type='TrackedRandomFlip', direction='vertical'))
    # Each of three warps may round a tip off, and nearby edges may move by half a pixel.
    assert_hull_holds_paint(chain, case, seed, tolerance=2.5)


@pytest.mark.parametrize('options', [
    dict(type='Rotate', angle=20.), dict(type='Rotate', angle=20., center=(3., 9.), scale=0.7),
    dict(type='Rotate', magnitude_level=3, magnitude_range=(0, 30), magnitude_std=1.),
    dict(type='Shear', magnitude=0.3, pad_val=(1, 2, 3), prob=1.),
    dict(type='Shear', magnitude_level=3, magnitude_range=(0, 1), direction='vertical'),
    dict(type='Translate', magnitude=0.2, interpolation='bicubic'),
    dict(type='Translate', magnitude_level=3, magnitude_range=(0, 1), direction='vertical'),
    dict(type='RandAugment', **RAND_AUGMENT),
    dict(type='RandAugment', hparams=dict(pad_val=[103, 117, 150], interpolation='bicubic'),
         **RAND_AUGMENT),
    dict(type='RandAugment', **dict(RAND_AUGMENT, policies='simple_increasing')),
    dict(type='AutoAugment', policies='imagenet'),
])
@pytest.mark.parametrize('size', [(61, 47), (12, 90)])
def test_pixels_are_the_parents(options, size):
    assert_pixels_are_the_parents(dict(options, type='Tracked' + options['type']), options, size)


def test_a_warp_that_is_not_applied_moves_nothing():
    rotate = build(dict(type='TrackedRotate', angle=30., prob=0.))
    results = rotate(dict(img=painted(9, 9, (0, 0, 4, 4))))
    assert np.array_equal(results['view_matrix'], np.eye(3))


def test_an_unknown_preset_is_named():
    with pytest.raises(UserError, match="'timm_increasing' or 'simple_increasing'"):
        build(dict(type='TrackedRandAugment', **dict(RAND_AUGMENT, policies='timm')))
