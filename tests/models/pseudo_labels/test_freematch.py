"""The self-adaptive threshold against a loop, and where it is a fixed one."""
import pytest
import torch

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, FreeMatchThreshold
from support.rules import build_rule, judge, labeled_predictions, opinions


@pytest.mark.parametrize('warmup', [False, True])
@pytest.mark.parametrize('power, bounds', [(1, (0, 1)), (0.5, (0.3, 0.6))])
def test_thresholds_are_those_of_a_loop(warmup, power, bounds):
    rule = build_rule(type='FreeMatchThreshold', momentum=0.7, warmup=warmup, class_power=power,
                      bounds=bounds)
    batches = opinions()
    labels, weights, _ = judge(rule, batches, labeled_predictions())
    judged, thresholds = slow.freematch([rows.tolist() for rows in batches], 0.7, warmup, power,
                                        bounds)
    assert list(zip(labels.tolist(), (weights > 0).tolist())) == sum(judged, [])
    assert rule.thresholds().tolist() == pytest.approx(thresholds, rel=1e-5)


def test_with_equal_bounds_it_is_the_fixed_threshold():
    rule = build_rule(type='FreeMatchThreshold', bounds=(0.7, 0.7))
    for rows in opinions():
        for mine, fixed in zip(rule(rows), ConfidenceThreshold(0.7)(rows)):
            assert torch.equal(mine, fixed)


def test_without_class_power_all_classes_need_the_mean_confidence():
    rule = build_rule(type='FreeMatchThreshold', momentum=0., warmup=False, class_power=0)
    rows, = opinions(1)
    rule(rows)
    assert rule.thresholds().tolist() == pytest.approx([float(rows.amax(1).mean())] * 3)


def test_a_class_that_is_said_less_needs_less():
    rule = build_rule(type='FreeMatchThreshold')
    for rows in opinions():
        rule(rows)
    thresholds = rule.thresholds().tolist()
    assert thresholds == sorted(thresholds, reverse=True) and thresholds[0] > 2 * thresholds[2]


@pytest.mark.parametrize('options, word', [
    (dict(momentum=1.5), 'momentum'), (dict(class_power=-1), 'class_power'),
    (dict(bounds=(0.8, 0.2)), 'bounds'), (dict(bounds=(0.8, )), 'bounds')])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        FreeMatchThreshold(**options).set_classes(3)


def test_a_batch_that_is_not_finite_does_not_spoil_the_rest():
    """In float16 the teacher may overflow in one batch, though the student does not."""
    rule, clean = (build_rule(type='FreeMatchThreshold') for _ in range(2))
    first, second = opinions(2)
    bad = first.clone()
    bad[0] = torch.nan
    for one, batches in ((rule, (first, bad, second)), (clean, (first, second))):
        for rows in batches:
            one(rows)
    assert rule.thresholds().isfinite().all() and (rule.thresholds() > 0).all()
