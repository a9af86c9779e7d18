"""With random pictures and a random network, a resumed run still ends bit for bit the same."""
import json
import logging
import random
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ssfer_mm.apis.trials.compare_runs import compare_runs, compare_values
from ssfer_mm.datasets import ShardSampler
from ssfer_mm.engine.exact_resume_hook import ExactResumeHook, seed_all
from ssfer_mm.errors import UserError
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.runs import II_EPOCHS, II_ITERS, TOTAL, config, train

VIEW = [dict(type='TrackedRandomResizedCrop', scale=16, crop_ratio_range=(0.2, 1.0)),
        dict(type='TrackedRandomFlip')]
STRONG = [*VIEW, dict(type='RandAugment', policies='timm_increasing', num_policies=2,
                      total_level=10, magnitude_level=9, magnitude_std=0.5)]
EVERY_ITERATION = dict(type='SafeCheckpointHook', by_epoch=False)
LAST = f'iter_{TOTAL}.pth'


def random_config(work_dir, workers=0, exact=True, **options):
    """Everything that can be random is: crops, RandAugment, FaceMix, drop path."""
    hooks = dict(timer=dict(type='StageTimerHook'), logger=dict(type='LoggerHook', interval=1),
                 checkpoint=EVERY_ITERATION)
    if exact:
        hooks['exact_resume'] = dict(type='ExactResumeHook')
    cfg = config(work_dir, facemix=dict(type='FaceMix'), default_hooks=hooks, **options)
    data = cfg.train_dataloader.dataset
    data.labeled_pipeline = [dict(type='LoadFace'), *VIEW, dict(type='PackFace')]
    data.unlabeled_pipeline = [dict(type='LoadFace'),
                               dict(type='WeakStrongViews', weak=VIEW, strong=STRONG),
                               dict(type='PackViews')]
    cfg.train_dataloader.num_workers = workers
    cfg.model.classifier.backbone.drop_path_rate = 0.5
    cfg.train_cfg.val_interval = 1
    return cfg


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return Path(train(random_config(tmp_path_factory.mktemp('whole'))).work_dir)


def end_of(work_dir):
    return load_checkpoint_safely(Path(work_dir, LAST))


@pytest.mark.parametrize('done, workers', [
    (1, 0),  # inside stage II's first epoch
    (3, 2),  # between two epochs, before the validation; now with two workers
    (6, 0),  # the switch
    (7, 0),  # just after it
    (15, 2),  # inside an epoch of stage III: pseudo-labels of its beginning are in the checkpoint
    (TOTAL, 0),  # only the last validation is left
])
def test_resumed_anywhere(tmp_path, whole, done, workers):
    train(random_config(tmp_path, workers, resume=True, load_from=str(whole / f'iter_{done}.pth')))
    if done < TOTAL:
        assert compare_values(end_of(tmp_path), end_of(whole)) == []
    # What was logged before lies in the first run's folder.
    missing = [line for line in compare_runs(whole, tmp_path)
               if 'missing' not in line and not line.startswith('files')]
    assert missing == []
    for stage in ('supervised', 'semi'):
        exported = tmp_path / f'classifier_{stage}.pth'
        if exported.exists():
            pair = (load_checkpoint_safely(p) for p in (exported, whole / exported.name))
            assert compare_values(*pair) == []


def test_without_the_hook_it_does_not(tmp_path, whole):
    """The test above sees what it is there to see."""
    cfg = random_config(tmp_path, exact=False, resume=True, load_from=str(whole / 'iter_15.pth'))
    train(cfg)
    different = compare_values(end_of(tmp_path), end_of(whole))
    assert any(line.startswith('state_dict.student') for line in different)


def test_a_run_without_a_seed_goes_on_with_the_one_it_drew(tmp_path):
    cfg = random_config(tmp_path / 'whole', randomness=dict(seed=None))
    train(deepcopy(cfg))
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'rest'), cfg.experiment_name + 'rest'
    cfg.resume, cfg.load_from = True, str(tmp_path / 'whole' / 'iter_9.pth')
    train(cfg)
    assert compare_values(end_of(tmp_path / 'rest'), end_of(tmp_path / 'whole')) == []


def test_iterations_and_ranks_draw_differently():
    seen = set()
    for place in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)):
        seed_all(*place)
        seen.add(float(torch.rand(())))
    assert len(seen) == 4


def test_stage_three_continues_from_a_run_that_was_to_end_with_stage_two(tmp_path, whole):
    """What tools/run_table.py does, so that several rows of a table share a stage II."""
    first, second = tmp_path / 'first', tmp_path / 'second'
    alone = random_config(first)
    alone.train_cfg.semi = None
    train(alone)
    switch = f'iter_{II_EPOCHS * II_ITERS}.pth'
    second.mkdir()
    (second / switch).write_bytes((first / switch).read_bytes())
    train(random_config(second, resume=True))
    assert compare_values(end_of(second), end_of(whole)) == []
    assert compare_values(*(json.loads((run / 'stages.json').read_text())
                            for run in (second, whole))) == []


def test_weights_alone_are_nothing_to_go_on_with(tmp_path, whole):
    """As in the checkpoint of the best accuracy."""
    content = torch.load(whole / 'iter_9.pth', weights_only=False)
    del content['optimizer'], content['param_schedulers']
    torch.save(content, tmp_path / 'best_accuracy.pth')
    best = str(tmp_path / 'best_accuracy.pth')
    with pytest.raises(UserError, match='no optimizer .* load_from=FILE'):
        train(random_config(tmp_path, resume=True, load_from=best))


def test_ranks_draw_alike_what_belongs_to_the_whole_batch():
    """FaceMix's lam comes from NumPy."""
    seen = []
    for place in ((0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)):
        seed_all(*place)
        seen.append((float(np.random.beta(1, 1)), random.random()))
    assert seen[0] == seen[1] and len(set(seen)) == 3


@pytest.mark.parametrize('processes, done, order, warned', [
    (2, 5, 'shards', True), (1, 5, 'shards', False), (2, 10, 'shards', False),
    (2, 5, 'images', False)])
def test_parts_of_an_epoch_that_others_began(caplog, processes, done, order, warned):
    """Each process has one to itself: with more of them, other images are behind it."""
    sampler = ShardSampler.__new__(ShardSampler)
    sampler.window, sampler.seed = 400 if order == 'shards' else None, 0
    runner = SimpleNamespace(
        _resume=True, iter=done, world_size=1, logger=logging.getLogger('parts'),
        train_loop=SimpleNamespace(epoch_lengths=[10]), param_schedulers=None,
        train_dataloader=SimpleNamespace(batch_sampler=SimpleNamespace(sampler=sampler),
                                         dataset=range(160)))
    checkpoint = dict(meta=dict(epoch=0, iter=done), optimizer={})
    ExactResumeHook().before_save_checkpoint(runner, checkpoint)
    runner.world_size = processes
    hook = ExactResumeHook()
    hook.after_load_checkpoint(runner, checkpoint)
    hook.before_train(runner)
    said = 'some images come twice and others not at all' in caplog.text
    assert said == warned
