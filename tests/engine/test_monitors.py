"""The monitors' figures against loops, and the warnings that a user must get."""
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.logging import MessageHub

from reference import pseudo_labels as slow
from ssfer_mm.engine import FaceMixMonitor, PseudoLabelMonitor, pseudo_label_figures

CLASSES = ('joy', 'fear', 'anger')
rows = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(-1, 2)), max_size=25)


@settings(max_examples=100, deadline=None)
@given(rows)
def test_figures_are_those_of_a_loop(rows):
    labels, accepted, truth = (list(column) for column in zip(*rows)) if rows else ([], [], [])
    figures = pseudo_label_figures(np.array(labels, int), np.array(accepted, bool),
                                   np.array(truth, int), CLASSES)
    assert figures == pytest.approx(slow.figures(labels, accepted, truth, CLASSES))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0., .25, 1.]),
                          st.integers(-1, 2)), max_size=25))
def test_an_image_counts_as_much_as_its_weight(rows):
    labels, weights, truth = (list(column) for column in zip(*rows)) if rows else ([], [], [])
    figures = pseudo_label_figures(np.array(labels, int), np.array(weights), np.array(truth, int),
                                   CLASSES)
    assert figures == pytest.approx(slow.figures(labels, weights, truth, CLASSES))


class Log:
    """Collects what a runner's logger is told."""

    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append((logging.INFO, text))

    def warning(self, text):
        self.lines.append((logging.WARNING, text))

    def warnings(self):
        return [text for level, text in self.lines if level == logging.WARNING]


def make_runner(unlabeled=4, truth=None, classes=CLASSES):
    dataset = SimpleNamespace(metainfo=dict(classes=classes))
    if truth is not None:
        dataset.hidden_labels = lambda: truth
    scalars = {}
    return SimpleNamespace(
        logger=Log(), epoch=6, model=SimpleNamespace(last_pseudo_labels=None), scalars=scalars,
        train_dataloader=SimpleNamespace(dataset=dataset),
        train_loop=SimpleNamespace(stage=SimpleNamespace(unlabeled=unlabeled)),
        visualizer=SimpleNamespace(
            add_scalars=lambda figures, step: scalars.update(figures, step=step)),
        message_hub=MessageHub('monitors'))


def feed(monitor, runner, labels, accepted, ids=None):
    runner.model.last_pseudo_labels = dict(
        ids=ids or [f'u{k}' for k in range(len(labels))], labels=torch.tensor(labels),
        accepted=torch.tensor(accepted))
    monitor.after_train_iter(runner, 0)


def test_an_epoch_is_summed_up_over_its_steps():
    runner, monitor = make_runner(truth=dict(u0=0, u1=1, u2=2, u3=0)), PseudoLabelMonitor()
    monitor.before_train(runner)
    feed(monitor, runner, [0, 1], [True, False], ['u0', 'u1'])
    monitor.after_train_iter(runner, 1)  # a step without pseudo-labels repeats nothing
    feed(monitor, runner, [1, 0], [True, True], ['u2', 'u3'])
    monitor.after_train_epoch(runner)
    assert runner.scalars['step'] == 7
    assert runner.scalars['pseudo/coverage'] == 3 / 4
    assert runner.scalars['pseudo/precision'] == pytest.approx(2 / 3)
    assert runner.scalars['pseudo/precision/fear'] == 0
    assert runner.message_hub.get_scalar('pseudo/coverage').current() == 3 / 4
    assert not runner.logger.warnings()
    assert '75.0% accepted, 66.7% of them right' in runner.logger.lines[0][1]

    feed(monitor, runner, [2, 0], [True, True], ['u2', 'u0'])
    monitor.after_train_epoch(runner)
    assert runner.scalars['pseudo/precision'] == 1, 'the next epoch starts from nothing'


def test_without_hidden_labels_there_is_coverage_alone():
    runner, monitor = make_runner(), PseudoLabelMonitor()
    monitor.before_train(runner)
    feed(monitor, runner, [0, 1], [True, True])
    monitor.after_train_epoch(runner)
    assert runner.scalars['pseudo/coverage'] == 1
    assert not any('precision' in name for name in runner.scalars)


@pytest.mark.parametrize('labels, accepted, words', [
    ([0, 1, 2], [False] * 3, 'No pseudo-label reached the threshold'),
    ([1, 1, 2], [True, True, False], 'are of one class'),
])
def test_what_goes_wrong_with_pseudo_labels_is_a_warning(labels, accepted, words):
    runner, monitor = make_runner(), PseudoLabelMonitor()
    monitor.before_train(runner)
    feed(monitor, runner, labels, accepted)
    monitor.after_train_epoch(runner)
    assert len(runner.logger.warnings()) == 1 and words in runner.logger.warnings()[0]


def test_stage_ii_has_no_pseudo_labels_to_miss():
    runner, monitor = make_runner(unlabeled=0), PseudoLabelMonitor()
    monitor.before_train(runner)
    monitor.after_train_epoch(runner)
    assert runner.logger.lines == [] and runner.scalars == {}


def test_an_epoch_without_steps_is_no_news():
    runner, monitor = make_runner(), PseudoLabelMonitor()
    monitor.before_train(runner)
    monitor.after_train_epoch(runner)
    assert runner.logger.lines == [] and runner.scalars == {}


# ---- FaceMix --------------------------------------------------------------------------------


def outputs(iou, missing=0.0):
    iou = torch.tensor(iou)
    return dict(iou_mean=iou.mean(), iou_std=iou.std(unbiased=False),
                boxes_missing=torch.tensor(missing))


def watch(batches, interval, unlabeled_after=True):
    runner, monitor = make_runner(unlabeled=0), FaceMixMonitor(interval=interval)
    monitor.before_train_epoch(runner)
    for batch in batches:
        monitor.after_train_iter(runner, 0, outputs=batch)
    if unlabeled_after:
        for _ in range(3):
            runner.train_loop.stage.unlabeled = 4
            monitor.before_train_epoch(runner)
    return runner.logger


@pytest.mark.parametrize('iou', [1.0, 0.0, 0.4, float('nan')])
@pytest.mark.parametrize('interval', [2, 50])
def test_a_constant_iou_is_a_warning_once(iou, interval):
    """After the interval, or where stage II ends before it; and never again."""
    log = watch([outputs([iou] * 4)] * 8, interval)
    assert len(log.warnings()) == 1 and len(log.lines) == 2
    assert 'constant' in log.warnings()[0] and "extent='full'" in log.warnings()[0]


def test_an_iou_that_varies_is_reported_as_it_is():
    values = [[0.1, 0.5, 0.9], [0.3, 0.3, 0.3], [0.0, 0.2, 1.0]]
    log = watch([outputs(v, missing=m) for v, m in zip(values, (0.5, 0.0, 0.25))], interval=3)
    (_, text), = log.lines
    assert f'{np.mean(values):.3f} +- {np.std(values):.3f}' in text and '25.0%' in text


def test_a_spread_between_batches_counts_too():
    """Each batch alone is constant, as with one pair per batch."""
    assert not watch([outputs([0.2]), outputs([0.8])], interval=2).warnings()


def test_steps_without_facemix_are_not_judged():
    assert watch([dict(loss=torch.tensor(1.))] * 5, interval=2).lines == []


@pytest.mark.parametrize('min_spread, warnings', [(0.2, 0), (0.4, 1)])
def test_what_counts_as_constant_can_be_set(min_spread, warnings):
    runner, monitor = make_runner(), FaceMixMonitor(interval=1, min_spread=min_spread)
    monitor.after_train_iter(runner, 0, outputs=outputs([0.2, 0.8]))  # deviation 0.3
    assert len(runner.logger.warnings()) == warnings
