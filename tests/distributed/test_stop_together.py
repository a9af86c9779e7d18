"""A signal to one process or to all of them ends the run in all, and loses nothing."""
import signal
from pathlib import Path

import pytest
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.apis.trials.compare_runs import compare_values
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.processes import together
from support.world import calm, end_of, two_stages

WORLD, END = 2, 'epoch_3.pth'  # three iterations per epoch, the first one of stage II


@HOOKS.register_module()
class SignalRanks(Hook):
    """SIGTERM for some of the processes in an iteration (0 is the first), or in the validation
    that begins after so many."""

    def __init__(self, ranks, iteration, validation=False) -> None:
        self.ranks, self.iteration, self.validation = ranks, iteration, validation

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if not self.validation:
            self._now(runner)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if self.validation and batch_idx == 0:
            self._now(runner)

    def _now(self, runner) -> None:
        if runner.rank in self.ranks and runner.iter == self.iteration:
            signal.raise_signal(signal.SIGTERM)


def small(work_dir, **options):
    cfg = calm(two_stages(work_dir, WORLD, epochs=(1, 2), **options))
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=100)
    return cfg


def stopped(cfg) -> bool:
    try:
        end_of(cfg)
    except KeyboardInterrupt:
        return True
    return False


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    together(WORLD, end_of, folder, small(folder / 'run'))
    return load_checkpoint_safely(folder / 'run' / END)


@pytest.mark.parametrize('iteration, ranks, saved', [
    (0, (0, ), 'iter_2'), (3, (1, ), 'iter_5'), (3, (0, 1), 'iter_5'),  # the next one as well
    (1, (1, ), 'epoch_1'), (2, (0, ), 'epoch_1'), (5, (0, 1), 'epoch_2')])
def test_all_stop_at_the_same_iteration_and_go_on(tmp_path, whole, iteration, ranks, saved):
    cfg = small(tmp_path / 'run')
    cfg.custom_hooks.append(dict(type='SignalRanks', ranks=ranks, iteration=iteration))
    assert together(WORLD, stopped, tmp_path / 'first', cfg) == [True, True]
    found = {path.stem for path in Path(tmp_path / 'run').glob('[ei]*_*.pth')}
    assert found == {saved, *(['epoch_1'] if iteration > 2 else [])}
    together(WORLD, end_of, tmp_path / 'second', small(tmp_path / 'run', resume=True))
    assert compare_values(load_checkpoint_safely(tmp_path / 'run' / END), whole) == []


@pytest.mark.parametrize('images, saved', [
    (36, 'epoch_2'),  # four batches, two for each process
    (19, 'iter_7')])  # one has a batch less, and they cannot agree before the next epoch
def test_they_do_in_a_validation(tmp_path, images, saved):
    def validating(**options):
        cfg = small(tmp_path / 'run', **options)
        cfg.train_cfg.val_interval = 1
        cfg.val_dataloader.sampler.round_up = False
        cfg.val_dataloader.dataset.indices = images
        return cfg

    cfg = validating()
    cfg.custom_hooks.append(dict(type='SignalRanks', ranks=(1, ), iteration=6, validation=True))
    assert together(WORLD, stopped, tmp_path / 'first', cfg) == [True, True]
    found = {path.stem for path in Path(tmp_path / 'run').glob('[ei]*_*.pth')}
    assert found == {'epoch_1', saved}
    together(WORLD, end_of, tmp_path / 'second', validating(resume=True))
    assert (tmp_path / 'run' / END).is_file()


def test_a_run_that_nobody_stops_does_not_stop(tmp_path):
    assert together(WORLD, stopped, tmp_path, small(tmp_path / 'run')) == [False, False]
