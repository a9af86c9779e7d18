"""A crash costs minutes, Ctrl-C nothing: checkpoints by the clock, and before the run ends."""
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader

from ssfer_mm.apis.trials.compare_runs import compare_values
from ssfer_mm.datasets import SeededSampler
from ssfer_mm.engine import (
    GracefulStopHook,
    ResumableTrainLoop,
    checkpoint_hook,
    graceful_stop_hook,
)
from ssfer_mm.runtime.signals import NOTICE
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.runs import II_ITERS, TOTAL, config, train

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
NEVER = dict(type='SafeCheckpointHook', interval=100)


@HOOKS.register_module()
class Signals(Hook):
    """Signals that reach this process in iterations (0 is the first), as a user sends them."""

    def __init__(self, at, number=signal.SIGINT, point='after_train_iter') -> None:
        self.at, self.number, self.point = list(at), number, point

    def before_train_epoch(self, runner):
        self._now(runner, 'before_train_epoch')

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._now(runner, 'before_train_iter')

    def _now(self, runner, point):
        if self.point == point and runner.iter in self.at:
            self.at.remove(runner.iter)
            signal.raise_signal(self.number)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._now(runner, 'after_train_iter')

    def after_train_epoch(self, runner):
        self._now(runner, 'after_train_epoch')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx == 1:
            self._now(runner, 'after_val_iter')

    def after_val_epoch(self, runner, metrics=None):
        self._now(runner, 'after_val_epoch')

    def after_train(self, runner):
        self._now(runner, 'after_train')


def with_checkpoints(work_dir, *hooks, **options):
    checkpoint = options.pop('checkpoint', NEVER)
    return config(work_dir, hooks=hooks, default_hooks=dict(
        checkpoint=checkpoint, exact_resume=dict(type='ExactResumeHook')), **options)


def checkpoints(folder):
    return sorted(path.stem for path in Path(folder).glob('*_*.pth')
                  if path.stem.startswith(('epoch', 'iter')))


def interrupted(cfg):
    """Names of the checkpoints of a run that a signal ends."""
    stop = GracefulStopHook()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(stop)
    with pytest.raises(KeyboardInterrupt), stop.listening():
        runner.train()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    return checkpoints(cfg.work_dir)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return train(with_checkpoints(tmp_path_factory.mktemp('whole')))


def assert_same_end(run, whole):
    for name, value in whole.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], value), name


# ---- by the clock -------------------------------------------------------------------------------


def test_an_old_checkpoint_is_followed_by_a_new_one_wherever_the_run_is(tmp_path, whole):
    run = train(with_checkpoints(tmp_path, checkpoint=dict(NEVER, minutes=0)))
    ends = {f'epoch_{epoch}' for epoch in (1, 2, 3, 4)}
    steps = {f'iter_{step}' for step in range(1, TOTAL + 1)} - {
        f'iter_{step}' for step in (3, 6, 12, 18)}  # where an epoch ends, the epoch is saved
    assert set(checkpoints(tmp_path)) == ends | steps
    assert_same_end(run, whole)


@pytest.mark.parametrize('minutes', [None, 10])
def test_a_young_one_is_not(tmp_path, minutes):
    train(with_checkpoints(tmp_path, checkpoint=dict(NEVER, minutes=minutes)))
    assert checkpoints(tmp_path) == ['epoch_2', 'epoch_4']  # where stages end


def test_the_clock_begins_anew_with_each_checkpoint_to_resume_from(tmp_path, monkeypatch):
    now = [0.]
    monkeypatch.setattr(checkpoint_hook, 'time', SimpleNamespace(monotonic=lambda: now[0]))
    runner = SimpleNamespace(
        work_dir=str(tmp_path), iter=0, hooks=[], train_loop=None, _resume=False, _load_from=None,
        logger=SimpleNamespace(info=lambda text: None),
        save_checkpoint=lambda folder, name, **_: Path(folder, name).touch())
    hook = checkpoint_hook.SafeCheckpointHook(minutes=1)
    hook.before_train(runner)
    late = []
    for now[0], saved in ((59, ''), (60, 'periodic'), (119, 'best'), (120, '')):
        late.append(hook._is_late())
        if saved:
            hook._save(runner, f'{saved}.pth', saved, {})
    assert late == [False, True, False, True]


def test_gradients_that_are_being_accumulated_are_not_cut_in_two(tmp_path):
    optimizer = dict(type='AdamW', lr=4e-3)
    train(with_checkpoints(
        tmp_path, checkpoint=dict(NEVER, minutes=0),
        optim_wrapper=dict(optimizer=optimizer, accumulative_counts=3)))
    assert not {'iter_1', 'iter_2', 'iter_4', 'iter_5'} & set(checkpoints(tmp_path))


def test_several_processes_look_at_the_clock_whatever_the_stage_began_with(monkeypatch):
    """Steps of the optimizer are at 7, 11, 15, ...: none of them is a multiple of 50."""
    monkeypatch.setattr(checkpoint_hook, 'get_world_size', lambda: 2)
    monkeypatch.setattr(checkpoint_hook, 'broadcast_object_list', lambda answer: None)
    monkeypatch.setattr(checkpoint_hook, 'is_main_process', lambda: False)
    monkeypatch.setattr(checkpoint_hook, 'can_resume_inside_epochs', lambda runner: True)
    runner = SimpleNamespace(
        iter=3, work_dir='', logger=SimpleNamespace(info=lambda text: None),
        train_loop=SimpleNamespace(dataloader=range(400)),
        optim_wrapper=SimpleNamespace(should_update=lambda: (runner.iter + 1 - 3) % 4 == 0))
    hook, saved = checkpoint_hook.SafeCheckpointHook(interval=1, minutes=0), []
    monkeypatch.setattr(hook, 'save_after_iter', lambda runner: saved.append(runner.iter + 1))
    hook.before_train(runner)
    for batch in range(200):
        runner.iter = 3 + batch
        hook.after_train_iter(runner, batch)
    assert saved == [55, 107, 159]


@pytest.mark.parametrize('by_epoch, stage_ends', [(True, []), (False, ['iter_18', 'iter_6'])])
def test_where_a_run_cannot_go_on_inside_an_epoch_epochs_are_saved(tmp_path, monkeypatch,
                                                                   by_epoch, stage_ends):
    monkeypatch.setattr(checkpoint_hook, 'can_resume_inside_epochs', lambda runner: False)
    train(with_checkpoints(tmp_path, checkpoint=dict(NEVER, by_epoch=by_epoch, minutes=0)))
    assert checkpoints(tmp_path) == ['epoch_1', 'epoch_2', 'epoch_3', 'epoch_4', *stage_ends]


@pytest.mark.parametrize('loop, sampler, possible', [
    (ResumableTrainLoop, SeededSampler, True), (ResumableTrainLoop, DefaultSampler, False),
    (EpochBasedTrainLoop, SeededSampler, False)])
def test_which_runs_can(loop, sampler, possible):
    """Those of mmengine's loop begin the epoch again, and its sampler knows no middle."""
    loop = loop.__new__(loop)
    sampler = sampler.__new__(sampler)
    loop.dataloader = SimpleNamespace(
        batch_sampler=SimpleNamespace(sampler=sampler))
    runner = SimpleNamespace(train_loop=loop)
    assert checkpoint_hook.can_resume_inside_epochs(runner) == possible


# ---- before the end -----------------------------------------------------------------------------


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize('iteration, saved', [
    (0, 'iter_1'), (1, 'iter_2'),
    (2, 'epoch_1'),  # the last one of an epoch
    (5, 'epoch_2'),  # and of stage II
    (8, 'iter_9'), (17, 'epoch_4')])
def test_an_interrupted_run_has_lost_nothing(tmp_path, whole, iteration, saved, number):
    found = interrupted(with_checkpoints(tmp_path, dict(type='Signals', at=[iteration],
                                                        number=number)))
    assert found == sorted({saved} | ({'epoch_2'} if iteration >= 2 * II_ITERS else set()))
    run = train(with_checkpoints(tmp_path, resume=True))
    assert len(run.recorder.iterations) == TOTAL - iteration - 1
    assert_same_end(run, whole)


def test_one_that_waits_for_its_batch_gets_it_first(tmp_path, capfd):
    hook = dict(type='Signals', at=[1], point='before_train_iter')
    assert interrupted(with_checkpoints(tmp_path, hook)) == ['iter_2']
    assert f'{NOTICE} and saved first.' in capfd.readouterr().err


def test_gradients_being_accumulated_are_waited_for(tmp_path):
    found = interrupted(with_checkpoints(
        tmp_path, dict(type='Signals', at=[0]),
        train_cfg=dict(type='TwoStageTrainLoop', supervised=None, val_interval=100,
                       semi=dict(epochs=2, labeled=2, unlabeled=4)),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=4e-3), accumulative_counts=2)))
    assert found == ['iter_2']


def test_the_second_signal_ends_it_at_once(tmp_path):
    twice = [dict(type='Signals', at=[1])] * 2
    assert interrupted(with_checkpoints(tmp_path, *twice)) == []


def test_a_closed_terminal_is_no_second_one(tmp_path):
    """A shell, the system and systemd may each say so, the latter after SIGTERM."""
    often = [dict(type='Signals', at=[1], number=number)
             for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGHUP)]
    assert interrupted(with_checkpoints(tmp_path, *often)) == ['iter_2']


def test_so_does_the_first_one_before_there_is_something_to_lose(tmp_path):
    hook = dict(type='Signals', at=[0], point='before_train_epoch')
    assert interrupted(with_checkpoints(tmp_path, hook)) == []


def test_between_two_epochs_the_next_iteration_is_waited_for(tmp_path):
    hook = dict(type='Signals', at=[II_ITERS], point='before_train_epoch')
    assert interrupted(with_checkpoints(tmp_path, hook)) == ['iter_4']


# ---- in a validation: four batches after every epoch --------------------------------------------


def validated(work_dir, *hooks, **options):
    cfg = with_checkpoints(work_dir, *hooks, **options)
    cfg.train_cfg.val_interval = 1
    return cfg


@pytest.fixture(scope='module')
def validated_whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('validated')
    train(validated(folder))
    return load_checkpoint_safely(folder / 'epoch_4.pth')


@pytest.mark.parametrize('point, iteration, saved', [
    ('after_val_iter', 3, ['epoch_1']),
    ('after_val_iter', 6, ['epoch_2']),  # the end of stage II, which has just been saved
    ('after_val_iter', 12, ['epoch_2', 'epoch_3']),
    ('after_val_iter', 18, ['epoch_2', 'epoch_4']),
    # Too late for this validation, which is not repeated.
    ('after_val_epoch', 3, ['iter_4']), ('after_val_epoch', 12, ['epoch_2', 'iter_13'])])
def test_a_signal_in_a_validation_loses_no_epoch(tmp_path, validated_whole, point, iteration,
                                                 saved):
    assert interrupted(validated(tmp_path, dict(type='Signals', at=[iteration],
                                                point=point))) == saved
    train(validated(tmp_path, resume=True))
    assert compare_values(load_checkpoint_safely(tmp_path / 'epoch_4.pth'), validated_whole) == []


def test_a_second_one_ends_a_validation_at_once(tmp_path):
    twice = [dict(type='Signals', at=[3], point='after_val_iter')] * 2
    assert interrupted(validated(tmp_path, *twice)) == []


@pytest.mark.parametrize('point', ['after_val_epoch', 'after_train'])
def test_a_run_that_is_about_to_end_ends_well(tmp_path, point):
    """The last figures, and what is exported."""
    stop = GracefulStopHook()
    runner = Runner.from_cfg(validated(tmp_path, dict(type='Signals', at=[TOTAL], point=point)))
    runner.register_hook(stop)
    with stop.listening():
        runner.train()
    assert (tmp_path / 'classifier_semi.pth').is_file()


@pytest.mark.parametrize('point', ['after_val_iter', 'after_val_epoch'])
def test_a_run_that_cannot_be_resumed_inside_an_epoch_saves_this_one(
        monkeypatch, tmp_path, point, capfd):
    """With mmengine's own loop, for example."""
    for module in (checkpoint_hook, graceful_stop_hook):
        monkeypatch.setattr(module, 'can_resume_inside_epochs', lambda runner: False)
    hook = dict(type='Signals', at=[II_ITERS], point=point)
    assert interrupted(validated(tmp_path, hook)) == ['epoch_1']
    assert 'is lost' not in capfd.readouterr().err


def test_without_our_checkpoints_it_ends_after_the_iteration(tmp_path, capfd):
    cfg = with_checkpoints(tmp_path, dict(type='Signals', at=[1]),
                           checkpoint=dict(type='CheckpointHook', interval=100))
    assert interrupted(cfg) == []
    assert f'{NOTICE} first, but this run is saved between epochs only' in capfd.readouterr().err


def test_a_signal_that_is_ignored_stays_ignored():
    """As Ctrl-C is in what a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with GracefulStopHook().listening():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_loaders_of_training_and_validation_leave_signals_to_it():
    loops = [SimpleNamespace(dataloader=DataLoader(range(4), num_workers=1)) for _ in range(2)]
    GracefulStopHook().before_train(SimpleNamespace(train_loop=loops[0], val_loop=loops[1]))
    assert all(loop.dataloader.worker_init_fn is not None for loop in loops)
