"""Ids and labels are noted when a dataset is read, and stay those of its items."""
import gc

import numpy as np
import pytest

from ssfer_mm.datasets import base
from ssfer_mm.errors import UserError


class Three(base.FERDataset):
    METAINFO = dict(dataset_name='Three', classes=('a', 'b'))
    labels_given = (1, 0, 1)

    def load_samples(self):
        assert not gc.isenabled(), 'paused while everything is read'
        return [base.Sample(str(i), label, image=np.zeros((2, 2), np.uint8))
                for i, label in enumerate(self.labels_given)]


class NoLabels(Three):
    labels_given = (None, None, None)


def items(dataset):
    return [(info['sample_id'], info.get('gt_label', -1))
            for info in map(dataset.get_data_info, range(len(dataset)))]


@pytest.mark.parametrize('options', [{}, dict(serialize_data=False), dict(indices=[2, 0])])
def test_they_are_those_of_the_items(options):
    dataset = Three(None, **options)
    assert list(zip(dataset.ids(), dataset.labels())) == items(dataset)
    assert gc.isenabled()
    dataset.get_subset_([1, 0])
    assert list(zip(dataset.ids(), dataset.labels())) == items(dataset)
    assert len(dataset.ids()) == 2
    dataset.ids().append('not kept')
    assert len(dataset.ids()) == 2


def test_a_copy_with_some_of_the_items_has_their_ids():
    whole = Three(None)
    part = whole.get_subset([1, 2])
    assert list(zip(part.ids(), part.labels())) == items(part) == [('1', 0), ('2', 1)]
    assert whole.ids() == ['0', '1', '2']


def test_the_collector_goes_on_after_an_error_and_stays_off_where_it_was():
    class Broken(Three):
        def load_samples(self):
            raise UserError('no')

    with pytest.raises(UserError):
        Broken(None)
    assert gc.isenabled()
    gc.disable()
    try:
        Three(None)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_millions_of_unlabeled_ids_are_not_kept():
    dataset = NoLabels(None)
    assert dataset._columns is None and dataset.ids() == ['0', '1', '2']
    assert np.isnan(dataset.get_data_info(0)['face_box']).all()
    assert b'face_box' not in bytes(dataset.data_bytes), 'no box takes no room'
