"""Figures of the evaluation, counted one by one."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from reference.accuracy import accuracies
from ssfer_mm.evaluation import ExpressionAccuracy, class_accuracies, confusion_matrix

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_against_counting(pairs):
    truth, predicted = zip(*pairs)
    accuracy, mean, recall = accuracies(truth, predicted)
    figures = class_accuracies(np.array(truth), np.array(predicted))
    assert figures['accuracy'] == pytest.approx(accuracy)
    assert figures['mean'] == pytest.approx(mean)
    assert figures['recall'] == pytest.approx(recall)


def test_a_rare_class_counts_as_much_as_a_common_one():
    figures = class_accuracies(np.array([0] * 98 + [1, 1]), np.zeros(100, int))
    assert figures['accuracy'] == 98 and figures['mean'] == 50


def evaluate(truth, scores, **options):
    evaluator = Evaluator(ExpressionAccuracy(**options))
    evaluator.dataset_meta = dict(classes=('joy', 'fear', 'anger'))
    samples = [DataSample().set_gt_label(t).set_pred_score(torch.tensor(s))
               for t, s in zip(truth, scores)]
    for start in range(0, len(samples), 2):
        evaluator.process(data_samples=samples[start:start + 2])
    return evaluator.evaluate(len(samples))


def test_through_mmengines_evaluator():
    scores = [[.8, .1, .1], [.2, .7, .1], [.1, .1, .8], [.6, .3, .1]]
    figures = evaluate([0, 0, 2, 0], scores)
    assert figures == pytest.approx({
        'accuracy': 75, 'mean_class_accuracy': (200 / 3 + 100) / 2,
        'recall/joy': 200 / 3, 'recall/anger': 100})
    assert set(evaluate([0, 0, 2, 0], scores, per_class=False)) == {
        'accuracy', 'mean_class_accuracy'}


def test_a_second_score_gives_figures_of_its_own():
    evaluator = Evaluator(ExpressionAccuracy(per_class=False))
    evaluator.dataset_meta = dict(classes=('joy', 'fear'))
    rows = [(0, [.9, .1], [.4, .6]), (0, [.1, .9], [.8, .2]), (0, [.1, .9], [.8, .2]),
            (1, [.1, .9], [.3, .7])]
    samples = [DataSample().set_gt_label(t).set_pred_score(torch.tensor(first))
               for t, first, _ in rows]
    for sample, (_, _, second) in zip(samples, rows):
        sample.set_field(torch.tensor(second), 'tta_score')
    evaluator.process(data_samples=samples)
    assert evaluator.evaluate(4) == pytest.approx(dict(
        accuracy=50, mean_class_accuracy=(100 / 3 + 100) / 2,
        accuracy_tta=75, mean_class_accuracy_tta=(200 / 3 + 100) / 2))


def test_padding_of_the_last_distributed_batch_is_cut():
    """mmengine pads so that all ranks have equally many images; the surplus must not count."""
    metric = ExpressionAccuracy()
    metric.dataset_meta = dict(classes=('a', 'b'))
    metric.results = [(0, 0), (1, 0), (1, 1)]
    assert metric.evaluate(2)['accuracy'] == 50


def test_the_confusion_matrix_is_a_list_of_counts():
    scores = [[.8, .1, .1], [.2, .7, .1], [.1, .1, .8], [.6, .3, .1]]
    figures = evaluate([0, 0, 2, 0], scores, confusion=True)
    assert figures['confusion'] == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_without_names_the_matrix_has_every_class_that_was_said():
    evaluator = Evaluator(ExpressionAccuracy(confusion=True))
    evaluator.process(data_samples=[
        DataSample().set_gt_label(0).set_pred_score(torch.tensor([.1, .2, .7]))])
    figures = evaluator.evaluate(1)
    assert figures['confusion'] == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert figures['recall/0'] == 0


@settings(max_examples=30, deadline=None)
@given(pairs)
def test_recalls_are_the_diagonal_of_the_confusion_matrix(pairs):
    truth, predicted = np.array(pairs).T
    counts = confusion_matrix(truth, predicted, 4)
    assert counts.sum() == len(pairs) and counts.dtype == int
    for k, recall in class_accuracies(truth, predicted)['recall'].items():
        assert 100 * counts[k, k] / counts[k].sum() == pytest.approx(recall)
