"""SoftMatch's weights against a loop, and their limits."""
import pytest
import torch

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, SoftMatchWeights
from support.rules import build_rule, judge, labeled_predictions, opinions


@pytest.mark.parametrize('warmup', [False, True])
@pytest.mark.parametrize('width', [1.0, 0.5])
def test_weights_are_those_of_a_loop(warmup, width):
    batches = opinions()
    rule = build_rule(type='SoftMatchWeights', momentum=0.7, warmup=warmup, width=width)
    labels, weights, confidence = judge(rule, batches, labeled_predictions())
    expected = slow.softmatch([rows.tolist() for rows in batches], 0.7, warmup, width)
    torch.testing.assert_close(weights, torch.tensor(expected))
    assert torch.equal(labels, torch.cat(batches).argmax(1))
    assert torch.equal(confidence, torch.cat(batches).amax(1))


def test_without_width_it_is_a_threshold_at_the_mean_confidence():
    rule = build_rule(type='SoftMatchWeights', momentum=0., warmup=False, width=1e-4)
    for rows in opinions():
        fixed = ConfidenceThreshold(float(rows.amax(1).mean()))(rows)
        assert torch.equal(rule(rows).weights, fixed.weights)


def test_equally_sure_images_count_in_full():
    rule = build_rule(type='SoftMatchWeights', momentum=0., warmup=False)
    rows = torch.tensor([[.6, .3, .1], [.1, .6, .3], [.3, .1, .6]])
    torch.testing.assert_close(rule(rows).weights, torch.ones(3))


def test_a_batch_of_one_has_no_variance_to_divide_by():
    rule = build_rule(type='SoftMatchWeights')
    assert rule(torch.tensor([[.6, .3, .1]])).weights.isfinite().all()


def test_settings_out_of_range():
    with pytest.raises(UserError, match='width'):
        SoftMatchWeights(width=0)
