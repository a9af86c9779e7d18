"""A disk that is really full, or read-only, in the middle of a run; and the same run after that."""
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.apis.trials.compare_runs import compare_runs
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.engine import CheckpointFolder
from support.runs import config, train


@HOOKS.register_module()
class SpoilDisk(Hook):
    """After an epoch's checkpoint: fill the disk of the work dir, or make it read-only."""

    priority = 'LOWEST'

    def __init__(self, epoch: int, how: str) -> None:
        self.epoch, self.how = epoch, how

    def after_train_epoch(self, runner) -> None:
        if runner.epoch + 1 != self.epoch:
            return
        if self.how == 'read-only':
            # The log, open for writing, would keep the disk from being made read-only.
            for handler in runner.logger.handlers:
                handler.close()
            mount('-o', 'remount,ro', runner.work_dir)
            return
        with open(Path(runner.work_dir, 'filler'), 'wb', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass


def mount(*arguments):
    subprocess.run(['mount', *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture()
def disk(tmp_path):
    """A file system of 8 MiB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    try:
        mount('-t', 'tmpfs', '-o', 'size=8m', 'none', folder)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('mounting a small file system needs root on Linux')
    yield folder
    subprocess.run(['umount', '--lazy', folder], check=True)


def small(work_dir, **options):
    cfg = config(work_dir, **options)
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=1)
    cfg.default_hooks.exact_resume = dict(type='ExactResumeHook')
    return cfg


def in_a_process(cfg, errors):
    """Train as the command does -> exit status, and what it said."""
    def child():
        torch.set_num_threads(1)
        sys.stderr = open(errors, 'w', buffering=1)
        os._exit(run_cli(lambda: train(cfg) and None, resumable=True))

    process = multiprocessing.get_context('fork').Process(target=child)
    process.start()
    process.join(120)
    return process.exitcode, Path(errors).read_text()


@pytest.mark.parametrize('epoch', [1, 3], ids=['stage II', 'stage III'])
@pytest.mark.parametrize('how', ['full', 'read-only'])
def test_the_run_ends_with_a_line_and_goes_on_when_there_is_room(tmp_path, disk, how, epoch):
    whole = tmp_path / 'whole'
    train(small(whole))
    spoil = dict(type='SpoilDisk', epoch=epoch, how=how)
    status, said = in_a_process(small(disk, hooks=[spoil]), tmp_path / 'errors')
    assert status == 2, said
    assert said.strip().splitlines()[-1].startswith('error: '), said
    assert 'No space left' in said or 'Read-only' in said
    kept = CheckpointFolder(str(disk))
    assert kept.newest_whole() == kept.path(f'epoch_{epoch}.pth'), 'the old file is as it was'
    mount('-o', 'remount,rw', disk)
    (disk / 'filler').unlink(missing_ok=True)
    train(small(disk, resume=True))
    assert compare_runs(whole, disk) == []


def test_a_run_that_cannot_begin(tmp_path, disk):
    mount('-o', 'remount,ro', disk)
    status, said = in_a_process(small(disk / 'run'), tmp_path / 'errors')
    assert status == 2 and 'Read-only file system' in said.strip().splitlines()[-1]
