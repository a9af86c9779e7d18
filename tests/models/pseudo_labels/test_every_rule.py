"""What holds for every rule that keeps statistics, whatever it computes."""
import io
from copy import deepcopy

import pytest
import torch

from ssfer_mm.joint_batch import share_of_rank
from ssfer_mm.models import LabeledPredictions
from ssfer_mm.models.pseudo_labels import apply_rule
from support.processes import together
from support.rules import RULES, build_rule, features_of, judge, labeled_predictions, opinions

rules = pytest.mark.parametrize('config', RULES.values(), ids=RULES)


@rules
def test_weights_are_in_range_and_depend_on_the_past(config):
    rule = build_rule(**config)
    batches, labeled = opinions(), labeled_predictions()
    before = deepcopy(rule.state_dict())
    labels, weights, confidence = judge(rule, batches, labeled)
    assert 0 <= weights.min() < weights.max() <= 1
    assert labels.dtype == torch.long and len(labels) == len(weights) == len(confidence) == 48
    assert any(not torch.equal(value, before[name]) for name, value in rule.state_dict().items())


@pytest.mark.parametrize('config', [
    dict(type='FreeMatchThreshold', momentum=0., warmup=False),
    dict(type='FlexMatchThreshold', threshold=1., momentum=0., warmup=False),
    dict(type='LabeledMargin', scale=1., momentum=0.),
    dict(type='SoftMatchWeights', momentum=0., warmup=False)], ids=lambda config: config['type'])
def test_a_teacher_as_sure_as_the_threshold_is_believed(config):
    """Where all opinions are certain, a threshold that follows them is 1, and 1 is enough."""
    certain = torch.eye(3)
    judged = apply_rule(build_rule(**config), certain, LabeledPredictions(certain, certain))
    assert judged.weights.tolist() == [1., 1., 1.]


@rules
def test_predictions_that_are_finite_reach_the_rule_as_they_are(config):
    rule = build_rule(**config)
    same = deepcopy(rule)
    for rows, labeled in zip(opinions(), labeled_predictions()):
        features = features_of(rows)
        judged = apply_rule(rule, rows, labeled, features)
        expected = same(rows, labeled, *([features] if same.sees_features else []))
        assert all(map(torch.equal, judged, expected))
    for name, value in rule.state_dict().items():
        assert torch.equal(value, same.state_dict()[name]), name


@rules
def test_no_gradient_flows_back(config):
    rule = build_rule(**config)
    rows = opinions(1)[0].requires_grad_()
    labeled = labeled_predictions(1)[0]
    features = features_of(rows)
    with torch.no_grad():
        apply_rule(rule, rows, labeled, features)
    assert not list(rule.parameters())
    assert not any(value.requires_grad for value in rule.state_dict().values())
    apply_rule(rule, rows, labeled, features)
    assert not any(value.requires_grad for value in rule.state_dict().values())


@rules
def test_a_resumed_run_judges_as_one_that_never_stopped(config):
    batches, labeled = opinions(), labeled_predictions()
    whole = build_rule(**config)
    expected = judge(whole, batches, labeled)
    first = build_rule(**config)
    judge(first, batches[:2], labeled[:2])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = build_rule(**config)
    second.load_state_dict(torch.load(file))
    resumed = judge(second, batches[2:], labeled[2:])
    for rest, every in zip(resumed, expected):
        assert torch.equal(rest, every[16:])
    for name, value in second.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name


@rules
def test_two_processes_judge_as_one(config, tmp_path):
    alone = build_rule(**config)
    labels, weights, _ = judge(alone, opinions(), labeled_predictions())
    labels, weights = labels.view(6, 8), weights.view(6, 8)
    for rank, (mine, worth, state) in enumerate(together(2, half_of_each, tmp_path, config)):
        places = share_of_rank(4, rank, 2)
        assert torch.equal(mine.view(6, 4), labels[:, places])
        torch.testing.assert_close(worth.view(6, 4), weights[:, places])
        for name, value in alone.state_dict().items():
            torch.testing.assert_close(state[name], value, msg=name)


def half_of_each(config):
    """Judge this process's half of every batch, the one that the sampler gives it."""
    rank = torch.distributed.get_rank()
    rule = build_rule(**config)
    batches = [half(rows, rank) for rows in opinions()]
    labeled = [LabeledPredictions(*(half(part, rank) for part in seen))
               for seen in labeled_predictions()]
    labels, weights, _ = judge(rule, batches, labeled)
    return labels, weights, rule.state_dict()


def half(rows, rank):
    return rows[share_of_rank(len(rows) // 2, rank, 2)]
