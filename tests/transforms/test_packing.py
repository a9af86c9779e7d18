"""Packing: channels first, labels where they belong, boxes in the view's pixels."""
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, default_collate
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.images.name import note_unreadable
from ssfer_mm.transforms import LoadFace, PackFace, PackImage, PackViews


def item(**extra):
    img = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    return dict(img=img, img_path='a/1.png', sample_id='1.png', **extra)


def pack(results, *steps):
    return Compose([LoadFace()] + [TRANSFORMS.build(s) for s in steps] + [PackFace()])(results)


def test_pixels_are_channels_first_and_own_their_memory():
    source = item()
    packed = pack(source)['inputs']
    assert packed.dtype == torch.uint8 and packed.is_contiguous()
    assert np.array_equal(packed.numpy(), source['img'].transpose(2, 0, 1))
    packed.zero_()
    assert source['img'].any()


def test_a_flipped_image_packs():
    packed = pack(item(), dict(type='TrackedRandomFlip', prob=1.))['inputs']
    assert np.array_equal(packed.numpy(), item()['img'][:, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize('label', [2, np.int64(2), np.array(2)])
def test_label_and_metainfo(label):
    sample = pack(item(gt_label=label))['data_samples']
    assert torch.equal(sample.gt_label, torch.tensor([2]))
    assert sample.metainfo == dict(
        sample_id='1.png', img_path='a/1.png', img_shape=(6, 4), ori_shape=(6, 4))


def test_class_zero_is_a_label():
    assert pack(item(gt_label=0))['data_samples'].gt_label.tolist() == [0]


def test_without_a_label_there_is_none():
    assert 'gt_label' not in pack(item())['data_samples']


def test_the_box_image_is_the_whole_raw_image_in_the_view():
    flip = dict(type='TrackedRandomFlip', prob=1.)
    for steps, box in (([], [0, 0, 4, 6]), ([dict(type='TrackedResize', scale=(8, 18)), flip],
                                            [0, 0, 8, 18])):
        sample = pack(item(face_box='image'), *steps)['data_samples']
        assert sample.face_box.tolist() == box


def test_a_box_of_another_version_of_the_image_is_refused():
    """The image is 4 wide and 6 high; a box file notes (width, height)."""
    box = np.array([0., 0., 2., 2.], np.float32)
    assert pack(item(face_box=box, face_box_size=(4, 6)))['data_samples'].face_box[2] == 2
    with pytest.raises(UserError, match='6 x 4 pixels, but it has 4 x 6'):
        pack(item(face_box=box, face_box_size=(6, 4)))


def test_scores_are_packed_and_shared_by_nobody():
    scores = np.array([.25, .75], np.float32)
    packed = pack(item(gt_label=1, gt_score=scores))['data_samples'].gt_score
    assert packed.dtype == torch.float32 and packed.tolist() == [.25, .75]
    packed.zero_()
    assert scores.tolist() == [.25, .75]
    assert 'gt_score' not in pack(item(gt_label=1))['data_samples']


def test_box_moves_with_the_view_and_is_not_clipped():
    flip = dict(type='TrackedRandomFlip', prob=1.)
    sample = pack(item(face_box=np.array([-1, 2, 3, 9], np.float32)), flip)['data_samples']
    assert sample.face_box.dtype == torch.float32
    assert sample.face_box.tolist() == [1, 2, 5, 9]


@pytest.mark.parametrize('extra', [{}, dict(face_box=np.full(4, np.nan, np.float32))])
def test_unknown_box_is_four_nan_and_shared_by_nobody(extra):
    first, second = (pack(item(**extra))['data_samples'].face_box for _ in range(2))
    assert first.shape == (4, ) and first.isnan().all()
    first.zero_()
    assert second.isnan().all()


def test_packing_does_not_write_into_the_items_box():
    box = np.array([0, 1, 2, 3], np.float32)
    pack(item(face_box=box))['data_samples'].face_box.zero_()
    PackFace()(item(face_box=box))['data_samples'].face_box.zero_()  # no view_matrix: raw pixels
    assert box.tolist() == [0, 1, 2, 3]


def test_a_packed_item_survives_the_way_from_a_worker():
    packed = pickle.loads(pickle.dumps(pack(item(gt_label=1, face_box=np.arange(4.)))))
    assert packed['data_samples'].gt_label.item() == 1
    assert packed['data_samples'].face_box.tolist() == [0, 1, 2, 3]


def test_pixels_that_are_not_uint8_are_refused():
    with pytest.raises(UserError, match='float32.*remove Normalize'):
        pack(item(), dict(type='Normalize', mean=[0, 0, 0], std=[1, 1, 1]))


def test_views_without_views_are_explained():
    with pytest.raises(UserError, match='put WeakStrongViews'):
        PackViews()(LoadFace()(item()))


def test_an_unlabeled_face_is_pixels_and_a_name():
    results = dict(img=np.arange(48, dtype=np.uint8).reshape(4, 4, 3), sample_id='a/b.png',
                   img_path='/faces/a/b.png', face_box='image', ori_shape=(4, 4))
    packed = PackImage().transform(results)
    name = packed['data_samples']
    assert name == name.sample_id == 'a/b.png' and name.unreadable == ()
    assert type(name.sample_id) is str
    assert torch.equal(packed['inputs'], torch.from_numpy(results['img']).permute(2, 0, 1))


def test_names_come_out_of_a_worker_and_a_collation_with_what_they_stand_for():
    items = [PackImage().transform(dict(img=np.zeros((2, 2, 3), np.uint8), sample_id=name))
             for name in ('a', 'b')]
    note_unreadable(items[1]['data_samples'], ['broken'])
    batch = pickle.loads(pickle.dumps(default_collate(items)))
    assert batch['inputs'].shape == (2, 3, 2, 2)
    assert batch['data_samples'] == ['a', 'b']
    assert [name.unreadable for name in batch['data_samples']] == [(), ('broken', )]
