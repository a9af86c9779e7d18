"""Two sources in one batch, neither padded nor mixed up."""
from multiprocessing.reduction import ForkingPickler

import pytest
import torch
from mmengine.registry import FUNCTIONS
from mmpretrain.structures import DataSample

from ssfer_mm.datasets import collate_faces, collate_sources


def labeled(k):
    return dict(inputs=torch.full((3, 4, 4), k, dtype=torch.uint8),
                data_samples=DataSample().set_gt_label(k))


def unlabeled(k):
    return dict(weak=torch.full((3, 4, 4), k, dtype=torch.uint8),
                strong=torch.full((3, 4, 4), 100 + k, dtype=torch.uint8),
                data_samples=DataSample(metainfo=dict(sample_id=str(k))))


@pytest.mark.parametrize('items, keys', [
    ([labeled(1), labeled(2)], {'labeled'}),
    ([unlabeled(5)], {'weak', 'strong'}),
    ([labeled(1), unlabeled(5), labeled(2), unlabeled(6), unlabeled(7)],
     {'labeled', 'weak', 'strong'}),
])
def test_sources_are_stacked_apart_and_in_order(items, keys):
    batch = collate_sources(items)
    assert set(batch['inputs']) == keys
    if 'labeled' in keys:
        assert batch['inputs']['labeled'][:, 0, 0, 0].tolist() == [1, 2]
        assert [int(s.gt_label) for s in batch['data_samples']['labeled']] == [1, 2]
    if 'weak' in keys:
        ids = [int(s.sample_id) for s in batch['data_samples']['unlabeled']]
        assert batch['inputs']['weak'][:, 0, 0, 0].tolist() == ids
        assert batch['inputs']['strong'][:, 0, 0, 0].tolist() == [100 + k for k in ids]
        assert not any('gt_label' in s for s in batch['data_samples']['unlabeled'])
    assert all(images.dtype == torch.uint8 for images in batch['inputs'].values())


def test_configs_find_it_by_name():
    assert FUNCTIONS.get('collate_sources') is collate_sources


def test_samples_cross_between_processes_whole_and_without_shared_memory():
    sample = DataSample().set_gt_label(2)
    sample.set_field(torch.tensor([1., float('nan'), 3., 4.]), 'face_box')
    sample.set_field('a/1.png', 'sample_id', field_type='metainfo')
    sample.set_field('any object', 'note')
    batch = collate_faces([dict(inputs=torch.zeros(3, 2, 2, dtype=torch.uint8),
                                data_samples=sample)] * 2)
    pickled = ForkingPickler.dumps(batch['data_samples'])
    assert b'reductions' not in bytes(pickled), 'no tensor was shared'
    first, second = ForkingPickler.loads(pickled)
    assert type(first) is DataSample and first.metainfo == sample.metainfo
    assert first.gt_label.tolist() == [2] and first.gt_label.dtype == sample.gt_label.dtype
    assert first.face_box[[0, 2, 3]].tolist() == [1, 3, 4] and first.face_box[1].isnan()
    assert first.face_box.dtype == torch.float32 and second.note == 'any object'
    assert batch['inputs'].shape == (2, 3, 2, 2)
