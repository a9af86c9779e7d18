"""FlexMatch's thresholds against a loop, and their limits."""
import pytest
import torch

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, FlexMatchThreshold
from support.rules import build_rule, judge, labeled_predictions, opinions


@pytest.mark.parametrize('warmup', [False, True])
@pytest.mark.parametrize('lowest', [0, 0.4])
def test_thresholds_are_those_of_a_loop(warmup, lowest):
    batches = opinions()
    rule = build_rule(type='FlexMatchThreshold', threshold=0.8, momentum=0.7, warmup=warmup,
                      lowest=lowest)
    labels, weights, _ = judge(rule, batches, labeled_predictions())
    judged, thresholds = slow.flexmatch([rows.tolist() for rows in batches], 0.8, 0.7, warmup,
                                        lowest)
    assert list(zip(labels.tolist(), (weights > 0).tolist())) == sum(judged, [])
    assert rule.thresholds().tolist() == pytest.approx(thresholds, rel=1e-5)


@pytest.mark.parametrize('options', [
    dict(lowest=0.7),
    dict(momentum=1., warmup=False, ready=[1 / 3] * 3),  # all classes learned alike
], ids=str)
def test_where_it_is_the_fixed_threshold(options):
    ready = options.pop('ready', None)
    rule = build_rule(type='FlexMatchThreshold', threshold=0.7, **options)
    if ready:
        rule.shares.value.copy_(torch.tensor(ready))
    for rows in opinions():
        assert torch.equal(rule(rows).weights, ConfidenceThreshold(0.7)(rows).weights)


def test_the_threshold_rises_as_images_become_sure():
    rule = build_rule(type='FlexMatchThreshold', momentum=0., warmup=False)
    unsure, sure = torch.tensor([[.4, .3, .3]] * 4), torch.tensor([[.9, .05, .05]] * 4)
    rule(torch.cat([unsure, sure[:1]]))
    early = rule.thresholds()
    rule(torch.cat([unsure[:1], sure]))
    late = rule.thresholds()
    assert 0 < early[0] < late[0] == pytest.approx(0.7)
    assert early[1:].tolist() == late[1:].tolist() == [0, 0]


@pytest.mark.parametrize('options, word', [
    (dict(threshold=1.5), 'threshold'), (dict(lowest=-1), 'lowest')])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        FlexMatchThreshold(**options)
