"""One index space, one split, and nothing that would tell the label of an unlabeled image."""
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmpretrain.registry import DATASETS, TRANSFORMS

from ssfer_mm import UserError
from ssfer_mm.datasets import (
    SeededIndex,
    SemiSupervisedDataset,
    SynthFER,
    collate_sources,
    save_split,
)
from ssfer_mm.datasets.kept_items import BYTES_PER_ITEM
from ssfer_mm.images.name import ImageName, name_of
from support.runs import CLASSES, IMAGES, PER_CLASS, TinyFaces  # noqa: F401  registers it

N_LABELED = PER_CLASS * len(CLASSES)
TINY = dict(type='TinyFaces', data_root=None, subset='train', boxes='dataset')
SECRETS = {'gt_label', 'gt_score', 'face_box', 'face_box_size'}
SEEN = []


@DATASETS.register_module(force=True)
class ScoredFaces(TinyFaces):
    """With the votes of raters."""

    def load_samples(self):
        scores = np.full(len(CLASSES), 1 / len(CLASSES)).tolist()
        return [sample._replace(scores=scores) for sample in super().load_samples()]


@TRANSFORMS.register_module(force=True)
class Die(BaseTransform):
    """Remember what was drawn."""

    keeps_face_box = True

    def transform(self, results):
        SEEN.append(np.random.rand())
        return results


@TRANSFORMS.register_module(force=True)
class Spy(BaseTransform):
    """Pass everything on, and remember which keys came by."""

    keeps_face_box = True

    def transform(self, results):
        SEEN.append(dict(results))
        return results


LABELED = [dict(type='Spy'), dict(type='LoadFace'), dict(type='PackFace')]
UNLABELED = [dict(type='Spy'), dict(type='LoadFace'),
             dict(type='WeakStrongViews', weak=[dict(type='Spy')], strong=[dict(type='Spy')]),
             dict(type='PackViews')]


SPLIT = dict(per_class=PER_CLASS, seed=0)


def build(dataset=None, split=SPLIT, unlabeled=UNLABELED, **options):
    return SemiSupervisedDataset(dataset or TINY, LABELED, unlabeled, split, **options)


@pytest.fixture(autouse=True)
def forget():
    SEEN.clear()


def test_labeled_images_come_first_and_nothing_comes_twice():
    data = build()
    assert data.source_sizes == (N_LABELED, IMAGES - N_LABELED) and len(data) == IMAGES
    ids = [name_of(data[i]['data_samples']) for i in range(len(data))]
    assert set(ids[:N_LABELED]) == set(data.split.labeled)
    assert sorted(ids) == sorted(data.dataset.ids())


def test_labeled_items_carry_label_and_box():
    data, truth = build(), dict(zip(build().dataset.ids(), build().dataset.labels()))
    for index in range(N_LABELED):
        item = data[index]
        assert set(item) == {'inputs', 'data_samples'}
        assert int(item['data_samples'].gt_label) == truth[item['data_samples'].sample_id]
        assert item['data_samples'].face_box.isfinite().all()


def extra_faces():
    return dict(type='SynthFER', subset='train', num_images=3, size=16, cache_dir=None,
                boxes='dataset')


def test_no_transform_of_an_unlabeled_item_sees_a_secret():
    """Neither of the dataset's own rest, nor of a labeled dataset used as an extra one."""
    data = build(dict(TINY, type='ScoredFaces'), extra_unlabeled=[extra_faces()])
    # The size comes with a box file.
    assert SECRETS - {'face_box_size'} < set(data.dataset.get_data_info(0)), 'nothing to hide'
    for index in range(N_LABELED, len(data)):
        item = data[index]
        assert set(item) == {'weak', 'strong', 'data_samples'}
        assert isinstance(item['data_samples'], ImageName)
    assert len(SEEN) == 3 * (IMAGES - N_LABELED + 3)
    for results in SEEN:
        assert not set(results) & SECRETS, sorted(results)


@pytest.mark.parametrize('place', [0, N_LABELED])
def test_what_an_item_draws_follows_from_its_seed(place):
    die = [dict(type='Die'), dict(type='LoadFace')]
    data = SemiSupervisedDataset(
        TINY, [*die, dict(type='PackFace')],
        [*die, dict(type='WeakStrongViews', weak=[], strong=[]), dict(type='PackViews')], SPLIT)
    for seed in (7, 7, 8):
        data[SeededIndex(place, seed)]
    assert SEEN[0] == SEEN[1] != SEEN[2]


def test_extra_images_follow_in_order():
    data = build(extra_unlabeled=[extra_faces(), dict(TINY, subset='test')])
    assert data.source_sizes == (N_LABELED, IMAGES - N_LABELED + 3 + IMAGES)
    ids = [name_of(data[i]['data_samples']) for i in range(IMAGES, len(data))]
    assert ids == ['train/000000', 'train/000001', 'train/000002',
                   *(f'test/{k}' for k in range(IMAGES))]
    raw = SynthFER('train', num_images=3, size=16, cache_dir=None)[1]['img']
    assert torch.equal(data[IMAGES + 1]['weak'], torch.from_numpy(raw.transpose(2, 0, 1).copy()))


def test_without_an_unlabeled_pipeline_there_is_no_unlabeled_part():
    data = build(unlabeled=None, extra_unlabeled=[extra_faces()])
    assert data.source_sizes == (N_LABELED, 0) and len(data) == N_LABELED
    assert data.hidden_labels() == {}


def test_without_a_split_everything_is_labeled():
    data = build(split=None)
    assert data.source_sizes == (IMAGES, 0) and data.split is None


@pytest.mark.parametrize('index', [-1, IMAGES, IMAGES + 5])
def test_indices_outside(index):
    with pytest.raises(IndexError, match=f'index {index} is outside'):
        build()[index]


def test_hidden_labels_are_those_of_the_unlabeled_images_only():
    data = build(extra_unlabeled=[extra_faces()])
    truth = dict(zip(data.dataset.ids(), data.dataset.labels()))
    hidden = data.hidden_labels()
    assert set(hidden) == set(truth) - set(data.split.labeled)
    assert all(hidden[i] == truth[i] for i in hidden)


@pytest.mark.parametrize('seed, judged', [(0, True), (1, False)])
def test_extra_images_are_not_judged_by_labels_of_others_with_their_ids(seed, judged):
    faces = dict(type='SynthFER', num_images=80, size=16, cache_dir=None)
    data = build(faces, dict(per_class=1, seed=0), extra_unlabeled=[dict(faces, seed=seed)])
    # Another seed draws other people under the same ids.
    assert len(data.hidden_labels()) == (72 if judged else 0)


def test_labeled_counts_are_those_of_the_labeled_images_only():
    data = build(extra_unlabeled=[extra_faces()])
    truth = dict(zip(data.dataset.ids(), data.dataset.labels()))
    assert data.labeled_counts().tolist() == [PER_CLASS] * len(CLASSES)
    fewer = replace(data.split, labeled=data.split.labeled[1:])
    expected = [sum(truth[i] == k for i in fewer.labeled) for k in range(len(CLASSES))]
    assert build(split=fewer).labeled_counts().tolist() == expected
    assert sorted(expected) == [PER_CLASS - 1, PER_CLASS, PER_CLASS]


def test_a_class_without_images_counts_none():
    assert build(dict(TINY, indices=[0, 1]), split=None).labeled_counts().tolist() == [1, 1, 0]


def test_extra_images_must_not_be_held_out_ones_either():
    data = build(extra_unlabeled=[dict(TINY, subset='test')])
    held_out = TinyFaces(data_root=None, subset='test')
    with pytest.raises(UserError, match=f'{IMAGES} of {IMAGES} unlabeled training images'):
        data.check_held_out(held_out, 'test_dataloader')
    data.check_held_out(held_out, 'test_dataloader', allow_unlabeled=True)


@pytest.mark.parametrize('extra', [
    None, dict(TINY), ['faces'], [dict(type='StoredFaces')], [dict()]])
def test_extra_images_of_no_such_kind_are_explained(extra):
    with pytest.raises(UserError, match='extra_unlabeled .*: give .*UnlabeledFaces'):
        build(extra_unlabeled=extra)


@pytest.mark.parametrize('dataset, told', [
    (dict(type='ConcatDataset', datasets=[dict(TINY)]), 'ConcatDataset, not .* extra_unlabeled'),
    (dict(type='TinyFacs'), 'TinyFacs is not in the'),
    ('RAFDB', "dataset is 'RAFDB', not .* extra_unlabeled"),
])
def test_labeled_images_of_no_such_kind_are_explained(dataset, told):
    with pytest.raises((UserError, KeyError), match=told):
        SemiSupervisedDataset(dataset, [])


def test_split_is_recorded_and_compared(tmp_path):
    path = str(tmp_path / 'split.json')
    data = build()
    data.record_split(path)
    assert json.loads(open(path).read())['labeled'] == list(data.split.labeled)
    build().check_recorded_split(path)
    assert build(split=path).split.labeled == data.split.labeled
    with pytest.raises(UserError, match='the config now draws another one'):
        build(split=dict(per_class=PER_CLASS, seed=1)).check_recorded_split(path)


def test_a_split_made_for_other_data_is_refused(tmp_path):
    path = str(tmp_path / 'split.json')
    save_split(build().split, path)
    with pytest.raises(UserError, match='not in the data'):
        build(dict(TINY, subset='test'), split=path)
    synthfer = dict(type='SynthFER', num_images=8, size=16, cache_dir=None)
    with pytest.raises(UserError, match='made for TinyFaces, the data is SynthFER'):
        build(synthfer, split=path)


def test_boxes_need_transforms_that_track_them():
    pipeline = [dict(type='LoadFace'), dict(type='RandomFlip', prob=0.5), dict(type='PackFace')]
    with pytest.raises(UserError, match='RandomFlip'):
        SemiSupervisedDataset(TINY, pipeline)
    SemiSupervisedDataset(dict(TINY, boxes=None), pipeline)


def test_a_pipeline_is_a_list():
    with pytest.raises(UserError, match='a pipeline is a list'):
        SemiSupervisedDataset(TINY, dict(type='LoadFace'))


def test_lazy_init_reads_nothing_until_it_must():
    data = build(lazy_init=True)
    assert data.dataset._fully_initialized is False
    assert data.metainfo['classes'] == CLASSES
    assert len(data) == IMAGES


def test_items_of_both_sources_make_a_batch():
    data = build()
    batch = collate_sources([data[0], data[N_LABELED], data[1], data[N_LABELED + 1]])
    assert {k: len(v) for k, v in batch['inputs'].items()} == dict(labeled=2, weak=2, strong=2)


def test_reading_an_item_leaves_the_data_alone():
    data = build()
    first = data[N_LABELED]['weak'].clone()
    data[N_LABELED]['weak'].zero_()
    assert torch.equal(data[N_LABELED]['weak'], first)
    assert np.isfinite(data.dataset.get_data_info(int(data._rest[0]))['face_box']).all()


WHOLE = dict(labeled=[dict(type='LoadFace'), dict(type='PackFace')],
             unlabeled=[dict(type='LoadFace'), dict(type='PackUnlabeled')], whole_faces=24)


def keeping_items(keep_gb, labeled, unlabeled, **options):
    return SemiSupervisedDataset(TINY, labeled, unlabeled, SPLIT, keep_gb=keep_gb, **options)


def test_kept_items_are_made_once_and_are_the_same():
    plain, keeping = keeping_items(0, **WHOLE), keeping_items(0.01, **WHOLE)
    for index in [*range(len(plain)), *range(len(plain))]:
        for key, value in plain[index].items():
            other = keeping[index][key]
            assert torch.equal(value, other) if isinstance(value, torch.Tensor) else (
                name_of(value) == name_of(other))
    assert len(keeping._kept) == len(plain) and keeping[0] is keeping[0]


def test_no_more_is_kept_than_there_is_room_for():
    two_items = 2 * (3 * 24 * 24 + BYTES_PER_ITEM)
    data = keeping_items(two_items / 2**30, **WHOLE)
    for index in range(len(data)):
        data[index]
    assert len(data._kept) == 2 and data[5] is not data[5]


@pytest.mark.parametrize('setting, wanted', [
    (dict(keep_gb=[0, 5]), 'keep_gb must be a number >= 0'),  # keep_gb=0,5 on the command line
    (dict(keep_gb=-1), 'keep_gb must be a number >= 0'),
    (dict(keep_gb='1'), 'keep_gb must be a number >= 0'),
    (dict(whole_faces='48'), 'whole_faces must be a whole number >= 1'),
    (dict(whole_faces=[48, 48]), 'whole_faces must be a whole number >= 1'),
    (dict(whole_faces=0), 'whole_faces must be a whole number >= 1'),
])
def test_settings_that_are_no_such_numbers(setting, wanted):
    with pytest.raises(UserError, match=wanted):
        keeping_items(**{'keep_gb': 0, **WHOLE, **setting})


def test_items_that_differ_every_time_cannot_be_kept():
    with pytest.raises(UserError, match='set whole_faces'):
        build(keep_gb=1)


def test_a_transform_that_may_draw_something_is_not_kept():
    labeled = [dict(type='LoadFace'), dict(type='ColorJitter'), dict(type='PackFace')]
    with pytest.raises(UserError, match='ColorJitter may make others each time'):
        keeping_items(1, **dict(WHOLE, labeled=labeled))
