"""A pipeline that would lose the face is refused when it is built."""
import re
from pathlib import Path

import numpy as np
import pytest
from mmcv.transforms import BaseTransform, RandomApply, RandomFlip
from mmpretrain.datasets.transforms import RandAugment
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.compat import installed_versions
from ssfer_mm.errors import UserError
from ssfer_mm.transforms import check_tracked, untracked

CROP = dict(type='TrackedRandomResizedCrop', scale=48)
WARP = dict(type='Rotate', magnitude_range=(0, 30))
AUGMENT = dict(num_policies=2, magnitude_level=9)


@pytest.mark.parametrize('step, advice', [
    (dict(type='RandomResizedCrop', scale=48), 'use TrackedRandomResizedCrop'),
    (dict(type='mmpretrain.RandomFlip', prob=0.5), 'use TrackedRandomFlip'),
    (dict(type='Resize', scale=48), 'use TrackedResize'),
    (dict(type='ResizeEdge', scale=48), 'use TrackedResizeEdge'),
    (dict(type='RandomCrop', crop_size=48), 'use TrackedRandomCrop'),
    (dict(type='RandomResize', scale=(48, 48)), "resize_type='TrackedResize'"),
    (dict(type='RandAugment', policies='timm_increasing'), 'use TrackedRandAugment'),
    (dict(type='AutoAugment', policies='imagenet'), 'use TrackedAutoAugment'),
    (dict(type='RandAugment', policies=[WARP]), 'Rotate moves pixels .* use TrackedRotate'),
    (dict(type='AutoAugment', policies=[[dict(type='Equalize'), dict(type='Shear')]]), 'Shear'),
    (dict(type='TrackedRandAugment', policies=[dict(type='RandomFlip')]), 'TrackedRandomFlip'),
    (dict(type='TrackedAutoAugment', policies=[[dict(type='CenterCrop')]]), 'TrackedCenterCrop'),
    (dict(type='RandomApply', transforms=[dict(type='CenterCrop')]), 'use TrackedCenterCrop'),
    (dict(type='RandomApply', transforms=dict(type='CenterCrop')), 'use TrackedCenterCrop'),
    (dict(type='RandomChoice', transforms=[[CROP], [CROP, WARP]]), 'use TrackedRotate'),
    (dict(type='RandomChoice', transforms=[dict(type='RandomApply', transforms=[WARP])]),
     'use TrackedRotate'),
    (dict(type='WeakStrongViews', weak=[CROP], strong=[dict(type='RandomFlip')]),
     'use TrackedRandomFlip'),
    (dict(type='Albumentations', transforms=[]), 'boxes=None'),
    (dict(type='MultiView', transforms=[[CROP]], num_views=2), 'boxes=None'),
    (dict(type='torchvision/RandomHorizontalFlip'), 'use TrackedRandomFlip'),
    (dict(type='torchvision/RandomRotation'), 'use TrackedRotate'),
    (dict(type='torchvision/Pad', padding=12), 'torchvision/Pad moves pixels .* use Pad, which'),
])
def test_a_transform_that_loses_the_face_is_refused(step, advice):
    with pytest.raises(UserError, match=advice) as caught:
        check_tracked([dict(type='LoadFace'), CROP, step, dict(type='PackFace')])
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('step', [
    RandomFlip(prob=0.5), dict(type=RandomFlip, prob=0.5),
    RandomApply([dict(type='RandomFlip', prob=0.5)]),
    RandAugment(policies=[dict(type='RandomFlip', prob=0.5)], **AUGMENT),
], ids=['built', 'class', 'built wrapper', 'built policies'])
def test_built_transforms_are_checked_too(step):
    with pytest.raises(UserError, match='TrackedRandomFlip'):
        check_tracked([step])


SAFE = [
    dict(type='LoadFace'), CROP, dict(type='TrackedRandomFlip'),
    dict(type='TrackedResize', scale=48), dict(type='TrackedResizeEdge', scale=48),
    dict(type='TrackedCenterCrop', crop_size=48), dict(type='TrackedRandomCrop', crop_size=48),
    dict(type='RandomChoiceResize', scales=[48], resize_type='TrackedResize'),
    dict(type='Pad', size_divisor=16), dict(type='ColorJitter', brightness=0.2),
    dict(type='RandomErasing'), dict(type='torchvision/ColorJitter'),
    dict(type='RandAugment', policies=[dict(type='Equalize'), dict(type='Solarize', thr=9)],
         **AUGMENT),
    dict(type='RandAugment', policies=[dict(type='TrackedShear', magnitude=0.1)], **AUGMENT),
    dict(type='TrackedRandAugment', policies='timm_increasing', **AUGMENT),
    dict(type='TrackedRandAugment', policies=[WARP], **AUGMENT),
    dict(type='TrackedAutoAugment', policies='imagenet'),
    dict(type='RandomApply', transforms=dict(type='TrackedRandomFlip')),
    dict(type='RandomChoice', transforms=[[dict(type='TrackedRotate', angle=9)], []]),
    dict(type='PackFace'),
]


def test_color_transforms_and_tracked_ones_are_welcome():
    check_tracked(SAFE)
    check_tracked([TRANSFORMS.build(step) for step in SAFE
                   if 'torchvision' not in step['type']])


class _MyTransform(BaseTransform):

    def transform(self, results):
        return results


class _MySafeTransform(_MyTransform):
    keeps_face_box = True


def test_a_transform_of_the_users_own_must_say_that_it_is_safe():
    for step in (_MyTransform(), dict(type=_MyTransform),
                 dict(type='RandomApply', transforms=[dict(type=_MyTransform)])):
        with pytest.raises(UserError, match='_MyTransform is not known .* keeps_face_box = True'):
            check_tracked([step])
    check_tracked([_MySafeTransform(), dict(type=_MySafeTransform)])


def test_the_transform_of_the_documentation_works_as_it_stands_there():
    page = Path(__file__).resolve().parents[2] / 'docs' / 'face_boxes.md'
    code, = re.findall(r'```python\n(.*?)```', page.read_text(encoding='utf-8'), re.DOTALL)
    names = {}
    exec(code, names)  # as somebody would paste it
    try:
        check_tracked([dict(type='LoadFace'), dict(type='CutTop'), dict(type='PackFace')])
        results = TRANSFORMS.build(dict(type='CutTop'))(dict(img=np.zeros((10, 8, 3), np.uint8)))
        assert results['img_shape'] == (6, 8)
        assert (results['view_matrix'] @ [2, 5, 1] == [2, 1, 1]).all()
    finally:
        TRANSFORMS.module_dict.pop('CutTop', None)


def test_a_misspelt_transform_is_left_to_the_registry():
    check_tracked([dict(type='TrackedRandomFlop')])


def test_every_name_of_the_tables_exists_and_every_advice_can_be_followed():
    # RandomChoice's like are wrappers; a name that is nowhere registered protects nobody.
    torchvision = {name.split('/')[-1] for name in TRANSFORMS.module_dict if '/' in name}
    names = untracked.UNTRACKED.keys() | untracked.STILL | untracked.WRAPPERS
    if 'onedl-mmpretrain' not in installed_versions():
        names -= {'AlbuKeypoint'}  # the original mmpretrain does not have it
    for name in names:
        assert TRANSFORMS.get(name) is not None or name in torchvision, name
    for advice in untracked.UNTRACKED.values():
        for word in advice.replace('(', ' ').replace(',', ' ').replace("'", ' ').split():
            if word.startswith('Tracked'):
                assert TRANSFORMS.get(word) is not None
