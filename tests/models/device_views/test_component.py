"""Settings of the component, and those that it has by itself."""
import numpy as np

from ssfer_mm.models.device_views import BatchRandAugment, DeviceViews
from ssfer_mm.models.device_views.rand_augment import KNOWN

MEAN = (0.588, 0.459, 0.402)  # the method's, of RGB


def test_what_is_not_set_is_the_methods():
    views = DeviceViews(16)
    assert views.cropping == views.weak_cropping == dict(
        crop_ratio_range=(.2, 1.), aspect_ratio_range=(3 / 4, 4 / 3), max_attempts=10,
        flip_prob=.5)
    strong = views.rand_augment  # rand-m9-mstd0.5-inc1
    assert (strong.num_policies, strong.magnitude_level, strong.total_level,
            strong.magnitude_std) == (2, 9, 10, .5)
    assert strong.pad_val.flatten().tolist() == [round(255 * share) for share in MEAN[::-1]]


def test_a_spread_of_inf_is_the_same_in_quotes_and_without():
    assert BatchRandAugment(magnitude_std=float('inf')).magnitude_std == 'inf'
    assert BatchRandAugment(magnitude_std=-1).magnitude_std == -1, 'none at all, as in the stock'


def test_none_or_no_policy():
    assert DeviceViews(16, rand_augment={}).rand_augment.num_policies == 2
    assert DeviceViews(16, rand_augment=dict(num_policies=0)).rand_augment is None


def test_a_level_is_a_share_of_the_highest():
    layer, = BatchRandAugment(num_policies=1, magnitude_std=0., total_level=20).draw(2000)
    angles = layer.magnitude[layer.operation == KNOWN.index('Rotate')].abs()
    assert len(angles) and np.allclose(angles, 30 * 9 / 20)
