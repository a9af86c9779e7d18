"""What RandAugment draws for a batch is distributed as what the stock transform draws."""
import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import RandAugment

from ssfer_mm.models.device_views import BatchRandAugment
from ssfer_mm.models.device_views.rand_augment import KNOWN, NOTHING, _name

COUNT = 60000


def drawn(**options):
    """Name -> magnitudes of one layer; NOTHING -> how many."""
    layer = BatchRandAugment(num_policies=1, **options).draw(COUNT)[0]
    return {number: layer.magnitude[layer.operation == number].numpy()
            for number in range(NOTHING + 1)}


@pytest.mark.parametrize('std', [0.5, 2., 0., 'inf'])
def test_every_operation_is_as_frequent_and_as_strong_as_in_the_stock(std):
    ours = drawn(magnitude_std=std)
    stock = RandAugment('timm_increasing', 1, 9, magnitude_std=std)
    assert len(ours[NOTHING]) / COUNT == pytest.approx(0.5, abs=0.01)
    assert len(list(stock)) == NOTHING == 15
    for transform in stock:
        magnitudes = ours[KNOWN.index(_name(transform))]
        assert len(magnitudes) / COUNT == pytest.approx(transform.prob / 15, abs=0.004)
        if transform.magnitude_range is None:
            continue
        theirs = np.array([transform.random_negative(transform.random_magnitude())
                           for _ in range(3000)])
        span = abs(transform.magnitude_range[1] - transform.magnitude_range[0])
        assert (magnitudes < 0).mean() == pytest.approx((theirs < 0).mean(), abs=0.06)
        for sign in (1, -1):
            mine, stocks = (values[values * sign >= 0] for values in (magnitudes, theirs))
            if len(stocks) > 20:
                assert np.median(mine) == pytest.approx(np.median(stocks), abs=0.06 * span)
                assert mine.std() == pytest.approx(stocks.std(), abs=0.03 * span)


def test_a_spread_stays_within_the_levels():
    ours = drawn(magnitude_std=5.)
    angles = np.abs(ours[KNOWN.index('Rotate')])
    assert angles.max() == 30 and angles.min() == 0


def test_layers_are_independent_and_may_repeat_an_operation():
    first, second = BatchRandAugment().draw(COUNT)
    both = (first.operation != NOTHING) & (second.operation != NOTHING)
    assert both.double().mean() == pytest.approx(0.25, abs=0.01)
    same = (first.operation == second.operation)[both].double().mean()
    assert same == pytest.approx(1 / 15, abs=0.01)


def test_own_policies_with_their_own_probabilities():
    ours = drawn(policies=[dict(type='Invert', prob=1.),
                           dict(type='Rotate', magnitude_range=(0, 10), prob=0.2,
                                random_negative_prob=0.)], magnitude_std=0.)
    assert len(ours[KNOWN.index('Invert')]) / COUNT == pytest.approx(0.5, abs=0.01)
    assert len(ours[KNOWN.index('Rotate')]) / COUNT == pytest.approx(0.1, abs=0.01)
    assert set(ours[KNOWN.index('Rotate')]) == {9.}


def test_the_same_seed_draws_the_same():
    layers = []
    for _ in range(2):
        torch.manual_seed(5)
        layers.append(BatchRandAugment().draw(64))
    for one, other in zip(*layers):
        assert torch.equal(one.operation, other.operation)
        assert torch.equal(one.magnitude, other.magnitude)
