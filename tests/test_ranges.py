"""Numbers that rules, losses and mixings take are in their range, or named in a sentence."""
import math

import numpy as np
import pytest
from mmpretrain.registry import BATCH_AUGMENTS, MODELS

from ssfer_mm import UserError
from ssfer_mm.ranges import check_number
from support.models import ssfer

# Component -> setting -> what it must refuse, besides what is not a finite number.
SETTINGS = {
    'ConfidenceThreshold': dict(threshold=(0, 1.1)),
    'FlexMatchThreshold': dict(threshold=(0, 1.1), lowest=(-1, 0.8), momentum=(-1, 2)),
    'FreeMatchThreshold': dict(momentum=(-1, 2), class_power=(-1, ),
                               bounds=((0.8, 0.2), (0.8, ), (0, 2), (-1, 1), (0, math.nan))),
    'SoftMatchWeights': dict(width=(0, ), momentum=(-1, 2)),
    'DistributionAlignment': dict(strength=(-1, 2), momentum=(-1, 2)),
    'LabeledMargin': dict(scale=(0, 1.1), threshold=(-1, 1.1), momentum=(-1, 2)),
    'ClusterPurity': dict(purity=(0, 1.1), threshold=(0, 1.1), clusters=(0, 2.5), bank=(31, 50.5),
                          refit_every=(0, 0.5), iterations=(0, 1.5), seed=(-1, 0.5)),
    'NegativeLearning': dict(threshold=(0, 1), weight=(-1, )),
    'RejectedConsistency': dict(weight=(-1, )),
    'SelfAdaptiveFairness': dict(weight=(-1, ), momentum=(-1, 2)),
    'PseudoLabelLoss': dict(class_power=(-1, )),
    'LogitAdjustment': dict(tau=(-1, )),
    'FaceMix': dict(alpha=(0, ), label_smoothing=(-1, 1), real_weight=(-1, 'half'),
                    fixed_size=(0, ), fixed_box=((1, 2), )),
    'SSFER': dict(unlabeled_weight=(-1, ), ema_decay=(-1, 1.5), label_temperature=(-1, )),
}
NO_NUMBERS = (math.nan, math.inf, None, 'much', [0, 7], True)


def build(component, **options):
    if component == 'SSFER':
        return MODELS.build(ssfer(**options))
    registry = BATCH_AUGMENTS if component in ('FaceMix', 'PseudoMixup') else MODELS
    return registry.build(dict(type=component, **options))


@pytest.mark.parametrize('component, setting, values', [
    (component, setting, values) for component, settings in SETTINGS.items()
    for setting, values in settings.items()])
def test_what_is_out_of_range_is_named(component, setting, values):
    for value in (*values, *NO_NUMBERS):
        with pytest.raises(UserError, match=rf'{component}: {setting}'):
            build(component, **{setting: value})


@pytest.mark.parametrize('value', [0, -1, math.nan, 'x'])
def test_an_alpha_that_may_be_none(value):
    build('PseudoMixup', alpha=None)
    with pytest.raises(UserError, match='PseudoMixup: alpha'):
        build('PseudoMixup', alpha=value)


@pytest.mark.parametrize('limits, inside, outside, words', [
    (dict(), 0, -1e-9, 'a number >= 0'),
    (dict(positive=True), 1e-9, 0, 'a number > 0'),
    (dict(high=1), 1, 1.01, r'a number in \[0, 1\]'),
    (dict(high=1, positive=True, below=True), 0.5, 1, r'a number in \(0, 1\)'),
    (dict(low=1, whole=True), 1, 1.0, 'a whole number >= 1')])
def test_where_a_range_ends(limits, inside, outside, words):
    check_number('It', 'this', inside, **limits)
    with pytest.raises(UserError, match=f'It: this must be {words}, got {outside}'):
        check_number('It', 'this', outside, **limits)


def test_numbers_of_numpy_are_numbers():
    check_number('It', 'this', np.float32(0.5), high=1)
    check_number('It', 'this', np.int64(3), whole=True)
    with pytest.raises(UserError, match='a whole number'):
        check_number('It', 'this', np.float32(3), whole=True)
