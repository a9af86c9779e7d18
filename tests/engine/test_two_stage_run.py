"""One real run through both stages: what each iteration used, and what the run left behind."""
import json
import math
from pathlib import Path

import pytest
import torch
from mmpretrain import get_model

from ssfer_mm import UserError
from ssfer_mm.datasets import load_split
from ssfer_mm.engine import TwoStageFinetuneHook
from support.runs import II_EPOCHS, II_ITERS, III_EPOCHS, TOTAL, config, train

SWITCH = II_EPOCHS * II_ITERS


def logged_lines(run):
    path = next(Path(run.work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return train(config(tmp_path_factory.mktemp('run'), facemix=dict(type='FaceMix')))


def test_epochs_and_iterations_of_both_stages(run):
    seen = run.recorder.iterations
    assert [i['iteration'] for i in seen] == list(range(TOTAL))
    assert (run.iter, run.max_iters, run.epoch, run.max_epochs) == (
        TOTAL, TOTAL, II_EPOCHS + III_EPOCHS, II_EPOCHS + III_EPOCHS)
    assert [i['stage'] for i in seen] == ['supervised'] * SWITCH + ['semi'] * (TOTAL - SWITCH)
    assert {i['sizes'] for i in seen[:SWITCH]} == {(4, 0)}
    assert {i['sizes'] for i in seen[SWITCH:]} == {(2, 4)}
    assert [i['batch'] for i in seen] == [*range(3), *range(3), *range(6), *range(6)]


def test_learning_rates_follow_each_stages_own_schedule(run):
    """Warm-up from a quarter, half a cosine to 1e-3; then 2e-3, a tenth of it after an epoch."""
    cosine = [1e-3 + 3e-3 * (1 + math.cos(math.pi * k / 3)) / 2 for k in range(3)]
    expected = [1e-3, 2.5e-3, 4e-3, *cosine, *[2e-3] * 6, *[2e-4] * 6]
    assert [i['lr'] for i in run.recorder.iterations] == pytest.approx(expected)
    betas = [i['betas'] for i in run.recorder.iterations]
    assert betas == [(0.9, 0.95)] * SWITCH + [(0.8, 0.99)] * (TOTAL - SWITCH)


def test_each_stages_data_are_the_splits(run):
    split = load_split(f'{run.work_dir}/split.json')
    labeled = set(split.labeled)
    for used in run.recorder.iterations:
        first, rest = used['ids'][:used['sizes'][0]], used['ids'][used['sizes'][0]:]
        assert set(first) <= labeled and not set(rest) & labeled
    for epoch in range(4):
        ids = [i for used in run.recorder.iterations if used['epoch'] == epoch
               for i in used['ids'] if i not in labeled]
        assert len(ids) == len(set(ids)) == (24 if epoch >= II_EPOCHS else 0)


def test_the_switch_starts_afresh_from_the_teacher(run):
    start = run.recorder.starts['semi']
    assert start['iteration'] == SWITCH and start['optimizer_state'] == 0
    assert start['twins'], 'student and teacher differ after the switch'
    exported = torch.load(f'{run.work_dir}/classifier_supervised.pth', weights_only=True)
    for name, value in exported['state_dict'].items():
        assert torch.equal(value, start['teacher'][name]), name


def test_figures_of_stage_ii_do_not_reappear_in_stage_iii(run):
    assert run.recorder.starts['semi']['figures'] == []
    logged = run.message_hub.log_scalars
    assert 'train/loss_facemix' not in logged and 'train/loss_unlabeled' in logged
    training = [line for line in logged_lines(run) if 'loss' in line]
    assert ['loss_facemix' in line for line in training] == [
        True] * SWITCH + [False] * (TOTAL - SWITCH)


def test_each_stage_ends_with_a_validation(run):
    """The interval is longer than the run."""
    steps = [line['step'] for line in logged_lines(run) if 'accuracy' in line]
    assert steps == [II_EPOCHS, II_EPOCHS + III_EPOCHS]


def test_the_report_of_the_stages(run):
    report = json.loads(Path(run.work_dir, 'stages.json').read_text())
    assert list(report) == ['supervised', 'semi']
    assert [(s['epochs'], s['iterations']) for s in report.values()] == [(2, 6), (2, 12)]
    assert all(s['seconds'] > 0 for s in report.values())
    assert [s['evaluated'] for s in report.values()] == [2, 2]
    model = run.model.eval()
    right = []
    for batch in run.val_dataloader:
        right += [int(s.pred_label == s.gt_label) for s in model.val_step(batch)]
    metrics = report['semi']['metrics']
    assert metrics['accuracy'] == pytest.approx(100 * sum(right) / len(right))
    # What is not a number stands beside the metrics.
    confusion = report['semi']['confusion']
    assert sum(confusion[k][k] for k in range(3)) == sum(right) and 'confusion' not in metrics


def test_time_left_falls_to_nothing(run):
    etas = run.recorder.etas
    assert etas[-1] == 0 and all(eta > 0 for eta in etas[:-1])


@pytest.mark.parametrize('stage', ['supervised', 'semi'])
def test_stock_mmpretrain_loads_the_exported_classifier(run, stage):
    path = f'{run.work_dir}/classifier_{stage}.pth'
    stock = get_model(f'{run.work_dir}/classifier.py', pretrained=path).eval()
    assert type(stock).__name__ == 'ImageClassifier'
    weights = torch.load(path, weights_only=True)['state_dict']
    assert set(weights) == set(stock.state_dict())
    for name, value in stock.state_dict().items():
        assert torch.equal(value, weights[name]), name
    if stage == 'semi':
        for batch in run.val_dataloader:
            ours = torch.stack([s.pred_score for s in run.model.eval().val_step(batch)])
            theirs = torch.stack([s.pred_score for s in stock.val_step(batch)])
            torch.testing.assert_close(theirs, ours)


# ---- variations -----------------------------------------------------------------------------


def variation(tmp_path, semi=None, supervised=None, **options):
    cfg = config(tmp_path, **options)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.supervised = supervised
    cfg.train_cfg.semi = semi and dict(labeled=2, unlabeled=4, **semi)
    return cfg


def test_the_teacher_moves_on_optimizer_steps_only(tmp_path):
    """Gradients of two batches make a step; what is left over does not leak into stage III, and
    stage III counts its pairs anew."""
    cfg = variation(tmp_path, dict(epochs=1), dict(epochs=1))
    cfg.optim_wrapper.accumulative_counts = 2
    recorder = train(cfg).recorder
    # The last batch of a stage steps whether or not it completes a pair.
    assert recorder.teacher_steps == [0, 1, 2, 2, 3, 3, 4, 4, 5]
    assert recorder.starts['semi']['gradient'] == 0


def test_a_schedule_without_end_ends_with_its_stage(tmp_path):
    """One schedule for both stages, written as mmengine allows: a dict, without end or T_max."""
    cfg = variation(tmp_path, dict(epochs=2), dict(epochs=1))
    cfg.param_scheduler = dict(type='CosineAnnealingLR', convert_to_iter_based=True)
    lrs = [i['lr'] for i in train(cfg).recorder.iterations]
    expected = [4e-3 * (1 + math.cos(math.pi * k / n)) / 2 for n in (3, 12) for k in range(n)]
    assert lrs == pytest.approx(expected)


def test_stage_iii_may_start_from_the_student(tmp_path):
    cfg = variation(tmp_path, dict(epochs=1), dict(epochs=1))
    cfg.custom_hooks[0].start_semi_from = 'student'
    run = train(cfg)
    start = run.recorder.starts['semi']
    exported = torch.load(tmp_path / 'classifier_supervised.pth', weights_only=True)['state_dict']
    assert start['twins']
    assert any(not torch.equal(v, start['teacher'][k]) for k, v in exported.items())


def test_a_run_that_begins_with_given_weights_has_both_networks_of_them(tmp_path, run):
    """Only a switch makes twins: the first stage hands on nothing."""
    cfg = variation(tmp_path, dict(epochs=1), load_from=f'{run.work_dir}/epoch_1.pth')
    start = train(cfg).recorder.starts['semi']
    assert start['iteration'] == 0 and not start['twins']


def test_start_semi_from_is_checked():
    with pytest.raises(UserError, match='start_semi_from'):
        TwoStageFinetuneHook(start_semi_from='nobody')
