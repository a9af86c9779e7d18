"""Margins learned from labeled images, against a loop."""
import pytest
import torch

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, LabeledMargin, LabeledPredictions
from support.rules import build_rule, judge, labeled_predictions, opinions


def test_thresholds_are_those_of_a_loop():
    rule = build_rule(type='LabeledMargin', scale=0.9, momentum=0.7)
    batches, labeled = opinions(), labeled_predictions()
    labels, weights, _ = judge(rule, batches, labeled)
    expected = slow.labeled_margin(
        [(seen.probabilities.tolist(), seen.targets.argmax(1).tolist()) for seen in labeled],
        0.9, 0.7, 0.7)
    assert rule.thresholds().tolist() == pytest.approx(expected, rel=1e-5)
    last = torch.cat(batches)[-8:]
    accepted = [row.max() >= expected[row.argmax()] for row in last]
    assert (weights[-8:] > 0).tolist() == accepted


def test_unless_anything_is_recognized_it_is_the_fixed_threshold():
    rule = build_rule(type='LabeledMargin', threshold=0.6)
    wrong = LabeledPredictions(torch.tensor([[.9, .1, 0.]]), torch.tensor([[0., 0., 1.]]))
    for rows in opinions():
        assert torch.equal(rule(rows, wrong).weights, ConfidenceThreshold(0.6)(rows).weights)


def test_a_class_keeps_its_margin_while_it_is_not_seen():
    rule = build_rule(type='LabeledMargin', scale=1.0, momentum=0.5)
    rows, eye = opinions(1)[0], torch.eye(3)
    rule(rows, LabeledPredictions(torch.tensor([[.8, .1, .1]]), eye[:1]))
    for _ in range(20):
        rule(rows, LabeledPredictions(torch.tensor([[.1, .5, .4]]), eye[1:2]))
    assert rule.thresholds().tolist() == pytest.approx([.8, .5, .7])


def test_a_class_that_is_not_recognized_any_more_is_not_let_in_at_next_to_nothing():
    rule = build_rule(type='LabeledMargin', scale=1.0, momentum=0.5, threshold=0.7)
    rows, eye = opinions(1)[0], torch.eye(3)
    seen = torch.tensor([[.8, .1, .1]])
    rule(rows, LabeledPredictions(seen, eye[:1]))
    for _ in range(60):
        rule(rows, LabeledPredictions(seen, eye[1:2]))
    assert rule.thresholds().tolist() == pytest.approx([.7, .7, .7])


def test_settings_out_of_range():
    with pytest.raises(UserError, match='scale'):
        LabeledMargin(scale=0)
