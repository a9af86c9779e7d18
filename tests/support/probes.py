"""Hooks that look into a run, or end it early."""
import json
import os
import signal
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class RecordUse(Hook):
    """Per process: the images of every epoch, the learning rates, and the last weights."""

    def before_train(self, runner) -> None:
        self.epochs, self.lrs = [], []

    def before_train_epoch(self, runner) -> None:
        self.epochs.append(dict(labeled=[], unlabeled=[]))

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.lrs.append(runner.optim_wrapper.get_lr()['lr'][0])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        for source, samples in data_batch['data_samples'].items():
            self.epochs[-1][source] += [sample.sample_id for sample in samples]

    def after_train(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        stem = Path(runner.work_dir, f'rank{runner.rank}')
        stem.with_suffix('.json').write_text(json.dumps(dict(epochs=self.epochs, lrs=self.lrs)))
        torch.save(model.state_dict(), stem.with_suffix('.pt'))


@HOOKS.register_module()
class StopAt(Hook):
    """End the run in the middle of an epoch.

    Args:
        epoch: Counted over the whole run, from 0.
        how: ``'SIGINT'`` and ``'SIGKILL'`` send that signal to this process, ``'error'`` raises.
    """

    def __init__(self, epoch: int, how: str) -> None:
        self.epoch, self.how = epoch, how

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.epoch != self.epoch or batch_idx != 0:
            return
        if self.how == 'error':
            raise RuntimeError('the disk is on fire')
        os.kill(os.getpid(), getattr(signal, self.how))
