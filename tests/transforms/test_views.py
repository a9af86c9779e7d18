"""Weak and strong views: independent, sharing no memory, and without a label."""
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.images.name import ImageName
from ssfer_mm.transforms import LoadFace, PackViews, WeakStrongViews

CROP = dict(type='TrackedRandomResizedCrop', scale=48)
FLIP = dict(type='TrackedRandomFlip')
RANDAUGMENT = dict(
    type='RandAugment', policies='timm_increasing', num_policies=2, total_level=10,
    magnitude_level=9, magnitude_std=0.5,
    hparams=dict(pad_val=[102, 117, 150], interpolation='bicubic'))


@TRANSFORMS.register_module()
class WriteIntoEveryArrayForTests(BaseTransform):
    """What a careless third-party transform does."""

    def transform(self, results):
        for value in results.values():
            if isinstance(value, np.ndarray):
                value[:] = 77
        return results


@TRANSFORMS.register_module()
class DropForTests(BaseTransform):

    def transform(self, results):
        return None


def item(size=48):
    return dict(
        img=np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8),
        img_path='a/1.png', sample_id='1.png', gt_label=3, gt_score=[0.1, 0.9], votes=[1, 9],
        face_box=np.array([1, 2, 30, 40], np.float32))


@pytest.mark.parametrize('weak, strong, untouched', [
    ([dict(type='WriteIntoEveryArrayForTests')], [], 'img_strong'),
    ([], [dict(type='WriteIntoEveryArrayForTests')], 'img_weak'),
])
def test_writing_into_one_view_never_changes_the_other(weak, strong, untouched):
    original = item()['img']
    views = WeakStrongViews(weak, strong)(LoadFace()(item()))
    assert np.array_equal(views[untouched], original)
    assert not np.shares_memory(views['img_weak'], views['img_strong'])


def test_each_view_draws_its_own_randomness():
    views = WeakStrongViews([CROP, FLIP], [CROP, FLIP])
    np.random.seed(0)
    pairs = [views(LoadFace()(item())) for _ in range(20)]
    assert not any(np.array_equal(pair['img_weak'], pair['img_strong']) for pair in pairs)


def test_what_belongs_to_one_view_is_left_out():
    views = WeakStrongViews([CROP], [CROP])(LoadFace()(item()))
    assert not {'img', 'view_matrix', 'img_shape'} & set(views)
    assert views['sample_id'] == '1.png' and views['ori_shape'] == (48, 48)


def test_a_view_that_is_dropped_drops_the_item():
    assert WeakStrongViews([], [dict(type='DropForTests')])(LoadFace()(item())) is None


def test_a_dict_in_place_of_a_list_is_explained():
    with pytest.raises(UserError, match='one dict as its strong pipeline'):
        WeakStrongViews([CROP], CROP)


@pytest.mark.parametrize('size', [48, 37])
def test_the_strong_pipeline_of_the_configs_runs_and_carries_no_label(size):
    pipeline = Compose([
        LoadFace(), WeakStrongViews([CROP, FLIP], [CROP, FLIP, RANDAUGMENT]), PackViews()])
    np.random.seed(0)
    for _ in range(60):  # enough to draw each of the fifteen policies
        packed = pipeline(item(size))
        assert set(packed) == {'weak', 'strong', 'data_samples'}
        for view in ('weak', 'strong'):
            assert packed[view].shape == (3, 48, 48) and packed[view].dtype == torch.uint8
            assert packed[view].is_contiguous()
        name = packed['data_samples']
        assert isinstance(name, ImageName) and name == '1.png', 'it must carry no label'
