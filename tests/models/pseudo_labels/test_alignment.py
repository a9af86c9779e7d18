"""Distribution alignment against a loop, and what it is for."""
import pytest
import torch

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, DistributionAlignment
from support.rules import COUNTS, build_rule, labeled_predictions, opinions

TARGETS = dict(labeled=[count / sum(COUNTS) for count in COUNTS], uniform=[1 / 3] * 3)


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('warmup, strength', [(False, 1), (True, 0.5)])
def test_corrected_probabilities_are_those_of_a_loop(target, warmup, strength):
    rule = build_rule(type='DistributionAlignment', target=target, momentum=0.7, warmup=warmup,
                      strength=strength)
    seen = []
    rule.rule.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    batches = opinions()
    for rows in batches:
        rule(rows)
    expected = slow.aligned([rows.tolist() for rows in batches], TARGETS[target], 0.7, warmup,
                            strength)
    torch.testing.assert_close(torch.stack(seen), torch.tensor(expected))


def test_of_no_strength_it_is_the_rule_inside():
    rule = build_rule(type='DistributionAlignment', strength=0.,
                      rule=dict(type='ConfidenceThreshold', threshold=0.6))
    for rows in opinions():
        mine, plain = rule(rows), ConfidenceThreshold(0.6)(rows)
        assert torch.equal(mine.labels, plain.labels) and torch.equal(mine.weights, plain.weights)


def test_the_mean_of_the_corrected_is_the_target():
    """Nearly: rows are normalized one by one."""
    rule = build_rule(type='DistributionAlignment', target='uniform', momentum=0., warmup=False)
    rows = torch.cat(opinions(50))
    rule(rows)
    before, after = ((mean - 1 / 3).abs().max() for mean in (rows.mean(0),
                                                             rule.align(rows).mean(0)))
    assert after < before / 2


def test_labels_may_stay_uncorrected():
    options = dict(type='DistributionAlignment', target='uniform', momentum=0., warmup=False)
    rows, = opinions(1, images=60)
    all_of_it, weights = build_rule(**options)(rows), build_rule(weights_only=True, **options)(rows)
    assert torch.equal(weights.weights, all_of_it.weights)
    assert torch.equal(weights.labels, rows.argmax(1))
    assert not torch.equal(weights.labels, all_of_it.labels)
    assert torch.equal(weights.confidence, rows.amax(1))
    assert torch.equal(weights.probabilities, rows)


def test_what_is_said_of_labeled_images_is_corrected_too():
    rule = build_rule(type='DistributionAlignment', target='uniform', momentum=0., warmup=False,
                      rule=dict(type='LabeledMargin'))
    seen = []
    rule.rule.register_forward_pre_hook(lambda _, args: seen.append(args[1].probabilities))
    rows, labeled = opinions(1)[0], labeled_predictions(1)[0]
    rule(rows, labeled)
    assert torch.equal(seen[0], rule.align(labeled.probabilities))
    assert not torch.equal(seen[0], labeled.probabilities)


def test_a_class_that_was_never_said_is_no_division_by_zero():
    rule = build_rule(type='DistributionAlignment', target='uniform', momentum=0., warmup=False)
    pseudo = rule(torch.tensor([[.9, .1, 0.], [.2, .8, 0.]]))
    assert float(rule.mean.value[2]) == 0 and float(pseudo.probabilities[0, 2]) == 0
    torch.testing.assert_close(pseudo.probabilities.sum(1), torch.ones(2))


def test_the_labeled_classes_must_be_known():
    rule = DistributionAlignment()
    rule.set_classes(3)
    with pytest.raises(UserError, match='TwoStageFinetuneHook'):
        rule(opinions(1)[0])


@pytest.mark.parametrize('options, word', [
    (dict(target='classes'), 'target'), (dict(strength=2), 'strength')])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        DistributionAlignment(**options)
