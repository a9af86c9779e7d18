"""Box files in a dataset's config: the rule is applied, other images are found out."""
import json

import numpy as np
import pytest
from mmengine.config import Config

from ssfer_mm import datasets as ds
from ssfer_mm.errors import UserError
from ssfer_mm.transforms import LoadFace, PackFace
from support import layouts

FIRST, SECOND = 'train/train_00001_aligned.jpg', 'train/train_00002_aligned.jpg'


@pytest.fixture
def root(tmp_path):
    layouts.make_rafdb(tmp_path, 2, 1)
    rows = [dict(image=FIRST, width=48, height=48, boxes=[[1, 2, 30, 40], [5, 5, 9, 9]],
                 scores=[.7, .9]),
            dict(image=SECOND, width=48, height=30, boxes=[[1, 1, 8, 8]], scores=[.6])]
    (tmp_path / 'boxes.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return tmp_path


@pytest.mark.parametrize('settings, first, second', [
    (dict(), None, [1, 1, 8, 8]),
    (dict(choose='largest'), [1, 2, 30, 40], [1, 1, 8, 8]),
    (dict(choose='best', min_score=.65), [5, 5, 9, 9], None),
    (dict(min_score=.8), [5, 5, 9, 9], None)])
def test_the_rule_of_the_config_is_applied(root, settings, first, second):
    boxes = Config(dict(boxes=dict(file=str(root / 'boxes.jsonl'), **settings))).boxes
    dataset = ds.RAFDB(str(root), boxes=boxes)
    for index, box in ((0, first), (1, second)):
        found = dataset[index]['face_box']
        assert np.isnan(found).all() if box is None else found.tolist() == box


@pytest.mark.parametrize('boxes, says', [
    (dict(choose='largest'), 'expected a box file'),
    (dict(file='b.jsonl', chose='largest'), 'expected a box file'),
    (dict(file='b.jsonl', choose='tallest'), "'tallest' is not a rule"),
    (7, 'expected a box file')])
def test_nonsense_is_explained(root, boxes, says):
    with pytest.raises(UserError, match=says):
        ds.RAFDB(str(root), boxes=boxes)


def test_boxes_of_images_of_another_size_are_found_out_when_decoded(root):
    dataset = ds.RAFDB(str(root), boxes=str(root / 'boxes.jsonl'))
    packed = PackFace()(LoadFace()(dataset[0]))
    assert packed['inputs'].shape == (3, 48, 48)
    with pytest.raises(UserError, match='another size.*train_00002.*48 x 30.*48 x 48'):
        PackFace()(LoadFace()(dataset[1]))


def test_unlabeled_items_carry_neither_box_nor_size(root):
    data = ds.SemiSupervisedDataset(
        dict(type='RAFDB', data_root=str(root), boxes=str(root / 'boxes.jsonl')), [],
        [dict(type='LoadFace')], split=dict(per_class=1))
    labeled, unlabeled = data.source_sizes
    assert labeled == unlabeled == 7
    items = [data[labeled + k] for k in range(unlabeled)]
    assert not any({'face_box', 'face_box_size'} & item.keys() for item in items)


def test_stage_one_with_boxes_refuses_what_moves_pixels_without_them(root):
    def faces(crop, pack='PackFace', **options):
        pipeline = [dict(type='LoadFace'), dict(type=crop, scale=24), dict(type=pack)]
        return ds.UnlabeledFaces(str(root / 'Image'), pipeline=pipeline, **options)

    boxes = str(root / 'boxes.jsonl')
    faces('TrackedRandomResizedCrop', boxes=boxes)
    faces('RandomResizedCrop')
    faces('RandomResizedCrop', 'PackImage', boxes=boxes)
    for given in (boxes, 'image'):
        with pytest.raises(UserError, match='use TrackedRandomResizedCrop'):
            faces('RandomResizedCrop', boxes=given)


def test_names_of_folders_are_told_apart(tmp_path):
    roots = [tmp_path / place for place in ('x/a', 'y/a', 'a-2', 'z/a')]
    for root in roots:
        layouts.write_image(root / '1.png', np.zeros((8, 8, 3), np.uint8))
    assert ds.UnlabeledFaces(list(map(str, roots))).ids() == [
        'a/1.png', 'a-2/1.png', 'a-2-2/1.png', 'a-3/1.png']
