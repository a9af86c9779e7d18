"""Two sources in one batch, neither padded nor mixed up."""
import pytest
import torch
from mmengine.registry import FUNCTIONS
from mmpretrain.structures import DataSample

from ssfer_mm import UserError
from ssfer_mm.datasets import collate_sources


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


def whole(k, size=4):
    return dict(unlabeled=torch.full((3, size, size), k, dtype=torch.uint8),
                data_samples=DataSample(metainfo=dict(sample_id=str(k))))


def test_whole_unlabeled_faces_are_a_source_of_their_own():
    batch = collate_sources([whole(5), labeled(1), whole(6)])
    assert set(batch['inputs']) == {'labeled', 'unlabeled'}
    assert batch['inputs']['unlabeled'][:, 0, 0, 0].tolist() == [5, 6]
    assert [s.sample_id for s in batch['data_samples']['unlabeled']] == ['5', '6']


def test_whole_faces_of_two_sizes_are_explained():
    with pytest.raises(UserError, match='4 x 4 and 5 x 5.*TrackedResize.*unlabeled_pipeline'):
        collate_sources([whole(1), whole(2, size=5)])


def test_configs_find_it_by_name():
    assert FUNCTIONS.get('collate_sources') is collate_sources
