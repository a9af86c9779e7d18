"""SIGKILL where it hurts most: in an evaluation, in every step of a checkpoint, at the switch.

``tools/crash_test.py`` kills at random moments, most of which lie between two iterations.
"""
import multiprocessing
import os
import signal

import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.apis.trials.compare_runs import compare_runs
from ssfer_mm.engine import checkpoint_folder
from support.runs import II_EPOCHS, II_ITERS, config, train


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class DieIn(Hook):
    """End the process in a call of a hook, before or after all other hooks.

    Args:
        point: Name of the call, such as ``after_val_iter``.
        epoch: Epochs that are done then.
        first: Before the other hooks.
    """

    def __init__(self, point: str, epoch: int, first: bool = False) -> None:
        self.priority = 'HIGHEST' if first else 'LOWEST'

        def call(runner, *arguments, **options):
            if runner.epoch == epoch:
                die()

        setattr(self, point, call)


def small(work_dir, hooks=()):
    """A checkpoint, of which two are kept, and a validation after every epoch."""
    cfg = config(work_dir, facemix=dict(type='FaceMix'), hooks=hooks)
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', max_keep_ckpts=1,
                                        save_best='accuracy')
    cfg.default_hooks.exact_resume = dict(type='ExactResumeHook')
    cfg.model.classifier.backbone.drop_path_rate = 0.5
    cfg.train_cfg.val_interval = 1
    return cfg


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    train(small(folder))
    return folder


def check(work_dir, whole, prepare=lambda: None, hooks=()):
    """Killed and resumed, the run ends like one that was left alone."""
    def child():
        torch.set_num_threads(1)
        prepare()
        train(small(work_dir, hooks))

    process = multiprocessing.get_context('fork').Process(target=child)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, 'the moment never came'
    cfg = small(work_dir)
    cfg.resume = True
    train(cfg)
    assert compare_runs(whole, work_dir) == []
    assert list(work_dir.glob('.*.part')) == []


@pytest.mark.parametrize('first', [
    pytest.param(True, id='before the hooks'),
    pytest.param(False, id='after them', marks=pytest.mark.slow)])
@pytest.mark.parametrize('point, epoch', [
    ('after_val_iter', 1), ('after_val_epoch', II_EPOCHS), ('after_val_iter', II_EPOCHS + 1),
    # The switch: stage II's last epoch, its last checkpoint and its export; stage III's beginning.
    ('after_train_epoch', II_EPOCHS - 1), ('before_val_epoch', II_EPOCHS),
    ('before_train_epoch', II_EPOCHS), ('before_train_iter', II_EPOCHS),
])
def test_in_the_evaluation_and_at_the_switch(tmp_path, whole, point, epoch, first):
    check(tmp_path, whole, hooks=[dict(type='DieIn', point=point, epoch=epoch, first=first)])


def nth_call(owner, name, number, then):
    """Let one call of a function, or (None) each, be one of ``then(original, *arguments)``."""
    original, calls = getattr(owner, name), []

    def counting(*arguments, **options):
        calls.append(arguments)
        if number in (None, len(calls)):
            return then(original, *arguments, **options)
        return original(*arguments, **options)

    setattr(owner, name, counting)


def before(original, *arguments, **options):
    die()


def after(original, *arguments, **options):
    original(*arguments, **options)
    die()


def half(original, self, content, path):
    original(self, content[:len(content) // 2], path)
    die()


FOLDER = checkpoint_folder.CheckpointFolder
# Every epoch writes two: its own, and after the validation perhaps the best.
MOMENTS = {
    'nothing written': (LocalBackend, 'put', before), 'half written': (LocalBackend, 'put', half),
    'written': (LocalBackend, 'put', after), 'summed': (checkpoint_folder, 'sha256_of', after),
    'synced or renamed': (checkpoint_folder, '_sync', before),
    'listed': (FOLDER, '_list', after), 'pointed to': (FOLDER, 'prune', before),
    'pruned': (FOLDER, 'prune', after), 'pointing': (checkpoint_folder, 'atomic_write', before),
}


# The pointer is written with an epoch's own checkpoint only, of which there are four.
@pytest.mark.parametrize('moment, number', [
    pytest.param(moment, number, marks=pytest.mark.slow if number > 1 else ())
    for moment in MOMENTS for number in range(1, 5 if moment == 'pointing' else 6)])
def test_in_the_writing_of_a_checkpoint(tmp_path, whole, moment, number):
    owner, name, then = MOMENTS[moment]
    check(tmp_path, whole, lambda: nth_call(owner, name, number, then))


def test_between_the_deletion_of_an_old_checkpoint_and_the_list(tmp_path, whole):
    def unlink_and_die(original, path, **options):
        original(path, **options)
        if str(path).endswith('.pth'):
            die()

    check(tmp_path, whole, lambda: nth_call(os, 'unlink', None, unlink_and_die))


def test_the_whole_run_has_what_the_moments_assume(whole):
    kept = {entry['kind'] for entry in FOLDER(str(whole)).entries()}
    assert kept == {'stage end', 'best'} and II_ITERS > 1
