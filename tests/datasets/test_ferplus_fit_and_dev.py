"""The part of FERPlus on which settings are chosen."""
import pytest

from ssfer_mm import expressions as ex
from ssfer_mm.datasets import FERPlus
from support import layouts

COUNTS = dict.fromkeys(ex.FERPLUS8, 2) | {'neutral': 16, 'happiness': 9}


def labels(data):
    return dict(zip(data.ids(), data.labels().tolist()))


@pytest.mark.parametrize('style', ['folders', 'csv'])
def test_fit_and_dev_are_the_training_images(tmp_path, style):
    layouts.make_ferplus(tmp_path, COUNTS, 1, 1, style=style)
    train, fit, dev = (labels(FERPlus(str(tmp_path), part)) for part in ('train', 'fit', 'dev'))
    assert fit | dev == train and not fit.keys() & dev.keys()
    # An eighth of every class, and of every class something.
    share = [list(dev.values()).count(k) for k in range(8)]
    assert share == [2, 1, 1, 1, 1, 1, 1, 1]
    assert not dev.keys() & labels(FERPlus(str(tmp_path), 'valid+test')).keys()


def test_the_held_out_images_are_the_same_for_ever(tmp_path):
    """Changing the draw would make figures of former runs incomparable, and leak images."""
    layouts.make_ferplus(tmp_path, COUNTS, 1, 1)
    assert sorted(FERPlus(str(tmp_path), 'dev').ids()) == FROZEN


FROZEN = [f'fer{number:07d}.png' for number in (3, 4, 7, 13, 14, 16, 26, 27, 34)]
