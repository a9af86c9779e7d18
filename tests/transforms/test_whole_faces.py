"""Whole faces for views on the device: packed without a label, augmented only once."""
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmpretrain.registry import DATASETS, TRANSFORMS

from ssfer_mm import UserError
from ssfer_mm.images.name import ImageName
from ssfer_mm.transforms import LoadFace, PackUnlabeled, check_whole, whole_pipeline
from support.photos import photo

LOAD = dict(type='LoadFace')
CROP = dict(type='TrackedRandomResizedCrop', scale=48)
FLIP = dict(type='TrackedRandomFlip')
VIEWS = dict(type='WeakStrongViews', weak=[CROP, FLIP], strong=[CROP, FLIP])
LABELED = [LOAD, CROP, FLIP, dict(type='PackFace')]
UNLABELED = [LOAD, VIEWS, dict(type='PackViews')]


def item(size=48):
    return dict(img=photo(0, size), img_path='a/1.png', sample_id='1.png', gt_label=3,
                gt_score=[0.1, 0.9], votes=[1, 9], face_box=(1, 2, 30, 40))


def test_a_packed_face_is_the_face_and_carries_no_label():
    packed = PackUnlabeled()(LoadFace()(item()))
    assert set(packed) == {'unlabeled', 'data_samples'}
    assert packed['unlabeled'].dtype == torch.uint8
    assert np.array_equal(packed['unlabeled'].numpy().transpose(1, 2, 0), photo(0, 48))
    name = packed['data_samples']
    assert isinstance(name, ImageName) and name == '1.png', 'it must carry no label'


def test_views_are_not_packed_as_a_whole_face():
    with pytest.raises(UserError, match='leave WeakStrongViews out'):
        PackUnlabeled()(Compose([TRANSFORMS.build(step) for step in (LOAD, VIEWS)])(item()))


def test_a_pipeline_without_what_the_device_does():
    own = dict(type='TrackedResizeEdge', scale=60)
    labeled = whole_pipeline([LOAD, own, *LABELED[1:]], 48, 'PackFace')
    assert labeled == [LOAD, own, dict(type='TrackedResize', scale=(48, 48)),
                       dict(type='PackFace')]
    unlabeled = whole_pipeline(UNLABELED, 48, 'PackUnlabeled')
    assert unlabeled == [LOAD, dict(type='TrackedResize', scale=(48, 48)),
                         dict(type='PackUnlabeled')]
    assert whole_pipeline(unlabeled, 48, 'PackUnlabeled')[-1] == unlabeled[-1]


@pytest.mark.parametrize('labeled, unlabeled, match', [
    (LABELED, [LOAD, dict(type='PackUnlabeled')], 'labeled_pipeline has RandomResizedCrop'),
    ([LOAD], [LOAD, FLIP, dict(type='PackUnlabeled')], 'unlabeled_pipeline has RandomFlip'),
    ([LOAD, dict(type='RandomApply', transforms=[FLIP], prob=0.5)],
     [LOAD, dict(type='PackUnlabeled')], 'labeled_pipeline has RandomFlip'),
    *(([LOAD, dict(type=scope + name)], [LOAD, dict(type='PackUnlabeled')],
       f'labeled_pipeline has {name}: leave it out') for scope, name in (
        ('', 'EfficientNetRandomCrop'), ('', 'MAERandomResizedCrop'), ('', 'RandomTranslatePad'),
        ('torchvision/', 'RandomResizedCrop'), ('torchvision/', 'RandomHorizontalFlip'))),
    *(([LOAD], [LOAD, dict(type=scope + name), dict(type='PackUnlabeled')],
       f'unlabeled_pipeline has {name}: leave it out') for scope, name in (
        ('', 'RandAugment'), ('', 'AutoAugment'), ('torchvision/', 'AugMix'),
        ('mmpretrain.torchvision/', 'TrivialAugmentWide'))),
])
def test_faces_that_would_be_augmented_twice(labeled, unlabeled, match):
    with pytest.raises(UserError, match=match):
        check_whole(labeled, unlabeled)
    check_whole(LABELED, UNLABELED)
    check_whole(LABELED, ())


def dataset(**options):
    return DATASETS.build(dict(
        type='SemiSupervisedDataset', split=dict(per_class=4, seed=0),
        dataset=dict(type='TinyFaces', data_root=None, boxes='dataset', subset='train'),
        **options))


def test_one_setting_of_the_dataset_makes_both_pipelines_whole():
    import support.runs  # noqa: F401  registers TinyFaces

    faces = dataset(labeled_pipeline=LABELED, unlabeled_pipeline=UNLABELED, whole_faces=24)
    labeled, unlabeled = faces[0], faces[len(faces) - 1]
    assert labeled['inputs'].shape == unlabeled['unlabeled'].shape == (3, 24, 24)
    again = faces[0]
    assert torch.equal(labeled['inputs'], again['inputs']), 'nothing is random any more'
    assert labeled['data_samples'].face_box[2:].max() > 12, 'boxes are in pixels of the resized'
    assert isinstance(unlabeled['data_samples'], ImageName)


def test_a_dataset_refuses_to_augment_twice():
    import support.runs  # noqa: F401  registers TinyFaces

    with pytest.raises(UserError, match='leave it out'):
        dataset(labeled_pipeline=LABELED, unlabeled_pipeline=[LOAD, dict(type='PackUnlabeled')])
