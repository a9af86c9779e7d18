"""Data that grew or shrank while a run was stopped."""
import logging
from types import SimpleNamespace

import pytest
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.engine.exact_resume_hook import ExactResumeHook
from ssfer_mm.engine.same_data import check_same_sizes, data_sizes
from ssfer_mm.errors import UserError
from support.runs import II_EPOCHS, III_EPOCHS, config, train


@pytest.fixture
def runner(tmp_path):
    dataset = SimpleNamespace(source_sizes=[300, 151])
    return SimpleNamespace(work_dir=str(tmp_path), epoch=2, logger=logging.getLogger('same data'),
                           train_dataloader=SimpleNamespace(dataset=dataset))


def test_inside_an_epoch_it_is_refused_with_the_checkpoint_to_take(runner, tmp_path):
    with pytest.raises(UserError, match=r'has 451 images, 450 when .*\[300, 151\], then '
                       r'\[300, 150\].*twice.*load_from=FILE, and no --resume'):
        check_same_sizes(runner, [300, 150], inside_epoch=True)
    (tmp_path / 'epoch_2.pth').touch()
    with pytest.raises(UserError, match=r'--resume \S+epoch_2.pth'):
        check_same_sizes(runner, [300, 150], inside_epoch=True)


def test_between_two_epochs_it_is_told(runner, caplog):
    check_same_sizes(runner, [300, 150], inside_epoch=False)
    assert 'has 451 images, 450 when the checkpoint was written' in caplog.text


def test_the_same_is_no_news(runner, caplog):
    for inside in (False, True):
        check_same_sizes(runner, [300, 151], inside)
    assert not caplog.text


def test_data_without_sources(runner):
    runner.train_dataloader.dataset = range(7)
    assert data_sizes(runner) == [7]


@pytest.mark.parametrize('done, refused', [(5, True), (10, False)])
def test_the_hook_notes_and_compares(runner, done, refused, caplog):
    """One image more leaves the number of iterations as it was."""
    data = SimpleNamespace(dataset=SimpleNamespace(source_sizes=[300, 150]),
                           batch_sampler=SimpleNamespace(sampler=SimpleNamespace(seed=0)))
    run = SimpleNamespace(_resume=True, iter=done, train_loop=SimpleNamespace(epoch_lengths=[10]),
                          world_size=1, param_schedulers=None,
                          **{**vars(runner), 'train_dataloader': data})
    checkpoint = dict(meta=dict(epoch=0, iter=done), optimizer={})
    ExactResumeHook().before_save_checkpoint(run, checkpoint)
    hook = ExactResumeHook()
    hook.after_load_checkpoint(run, checkpoint)
    hook.before_train(run)
    data.dataset.source_sizes = [300, 151]
    if refused:
        with pytest.raises(UserError, match='has 451 images, 450 when'):
            hook.before_train(run)
    else:
        hook.before_train(run)
        assert 'has 451 images, 450 when' in caplog.text


def test_inside_an_epoch_of_a_run(tmp_path):
    """II_ITERS batches, twice, then III_ITERS, twice."""
    inside = []

    @HOOKS.register_module(name='Inside', force=True)
    class Inside(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            runner.train_loop._iter += 1  # as it is where a checkpoint of now is resumed
            inside.append(runner.train_loop.inside_epoch)
            runner.train_loop._iter -= 1

    train(config(tmp_path, hooks=[dict(type='Inside')]))
    assert inside == II_EPOCHS * [True, True, False] + III_EPOCHS * [*[True] * 5, False]
