from types import SimpleNamespace

import pytest

from ssfer_mm.class_lists import check_same_classes, classes_of
from ssfer_mm.errors import UserError


def dataset(*classes):
    return SimpleNamespace(metainfo=dict(classes=list(classes)))


def test_classes_of():
    assert classes_of(dataset('calm', 'glad')) == ('calm', 'glad')
    assert classes_of(SimpleNamespace()) is None
    assert classes_of(SimpleNamespace(metainfo=None)) is None


def test_the_same_classes_in_another_order_are_refused():
    with pytest.raises(UserError, match='calm, glad, val_dataloader has glad, calm'):
        check_same_classes(dataset('calm', 'glad'), dataset('glad', 'calm'), 'val_dataloader')


@pytest.mark.parametrize('other', [dataset('calm', 'glad'), SimpleNamespace()])
def test_equal_or_untold_classes_are_no_error(other):
    check_same_classes(dataset('calm', 'glad'), other, 'val_dataloader')
