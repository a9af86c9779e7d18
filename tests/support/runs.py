"""Whole runs of both stages in about a second: random pictures, a tiny ViT."""
import itertools
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, HOOKS

from ssfer_mm.datasets import FERDataset, Sample
from ssfer_mm.images.name import name_of
from ssfer_mm.safe_loading import enable_safe_loading
from support.models import ssfer

CLASSES = ('joy', 'fear', 'anger')
# 36 images, 12 of them labeled: 3 batches of 4 in stage II, 6 of 2 + 4 in stage III.
IMAGES, PER_CLASS = 36, 4
II_EPOCHS, II_ITERS, III_EPOCHS, III_ITERS = 2, 3, 2, 6
TOTAL = II_EPOCHS * II_ITERS + III_EPOCHS * III_ITERS

_names = itertools.count()


@DATASETS.register_module()
class TinyFaces(FERDataset):
    """Colored noise, one color per class, with a box each."""

    METAINFO: dict = dict(dataset_name='TinyFaces', classes=CLASSES)

    def load_samples(self):
        noise = np.random.default_rng(0 if self.subset == 'train' else 1)
        samples = []
        for k in range(IMAGES):
            image = noise.integers(0, 160, (16, 16, 3), dtype=np.uint8)
            image[..., k % 3] += 90
            x, y = noise.uniform(0, 6, 2)
            samples.append(Sample(id=f'{self.subset}/{k}', label=k % 3, image=image,
                                  box=(x, y, x + 9, y + 9)))
        return samples


@HOOKS.register_module()
class Recorder(Hook):
    """What each iteration really used, and the weights where a stage begins."""

    priority = 'LOWEST'

    def before_train(self, runner):
        self.iterations, self.starts, self.etas, self.teacher_steps = [], {}, [], []

    def before_train_epoch(self, runner):
        stage = runner.train_loop.stage
        if stage.name not in self.starts:
            model = runner.model
            self.starts[stage.name] = dict(
                iteration=runner.iter,
                twins=all(torch.equal(a, b) for a, b in zip(
                    model.student.state_dict().values(), model.teacher.state_dict().values())),
                teacher={k: v.clone() for k, v in model.teacher.state_dict().items()},
                optimizer_state=len(runner.optim_wrapper.optimizer.state),
                gradient=sum(float(p.grad.abs().sum()) for p in model.student.parameters()
                             if p.grad is not None),
                figures=sorted(k for k in runner.message_hub.log_scalars if 'train/' in k))

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        group = runner.optim_wrapper.optimizer.param_groups[0]
        samples = data_batch['data_samples']
        self.iterations.append(dict(
            iteration=runner.iter, epoch=runner.epoch, batch=batch_idx, lr=group['lr'],
            betas=tuple(group.get('betas', ())), stage=runner.train_loop.stage.name,
            ids=[name_of(s) for part in ('labeled', 'unlabeled') for s in samples.get(part, [])],
            sizes=tuple(len(samples.get(part, [])) for part in ('labeled', 'unlabeled'))))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.etas.append(runner.message_hub.get_info('eta'))
        self.teacher_steps.append(int(runner.model.ema_steps))


HOOKS_OF_A_RUN = [dict(type=name) for name in (
    'TwoStageFinetuneHook', 'EMATeacherHook', 'SplitRecordHook', 'FaceMixMonitor',
    'PseudoLabelMonitor', 'ExportClassifierHook', 'StageReportHook')]


def config(work_dir, facemix=None, hooks=(), **options) -> Config:
    """Both stages, nothing random in the pictures, so that runs can be compared exactly.

    Args:
        work_dir: Where the run writes.
        facemix: Config of FaceMix, or None.
        hooks: Further hooks.
        options: Replace top-level entries of the config.
    """
    view = [dict(type='TrackedResize', scale=(16, 16))]
    unlabeled = [dict(type='LoadFace'), dict(type='WeakStrongViews', weak=view, strong=view),
                 dict(type='PackViews')]
    faces = [dict(type='LoadFace'), *view, dict(type='PackFace')]
    data = dict(type='TinyFaces', data_root=None, boxes='dataset')
    test = dict(batch_size=9, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=dict(type='default_collate'),
                dataset=dict(data, subset='test', pipeline=faces))
    cfg = dict(
        default_scope='mmpretrain', work_dir=str(work_dir), experiment_name=f'unit{next(_names)}',
        model=ssfer(facemix=facemix, ema_decay=0.5,
                    pseudo_label=dict(type='ConfidenceThreshold', threshold=0.36)),
        train_dataloader=dict(
            batch_size=4, num_workers=0, sampler=dict(type='TwoSourceSampler'),
            batch_sampler=dict(type='TwoSourceBatchSampler'),
            collate_fn=dict(type='collate_sources'),
            dataset=dict(type='SemiSupervisedDataset', dataset=dict(data, subset='train'),
                         split=dict(per_class=PER_CLASS, seed=0),
                         labeled_pipeline=faces, unlabeled_pipeline=unlabeled)),
        val_dataloader=test, test_dataloader=test,
        val_evaluator=dict(type='ExpressionAccuracy', confusion=True),
        test_evaluator=dict(type='ExpressionAccuracy'),
        val_cfg=dict(), test_cfg=dict(),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=4e-3, betas=(0.9, 0.95))),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.25, end=1, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', begin=1, T_max=1, end=2, eta_min=1e-3,
                 convert_to_iter_based=True)],
        train_cfg=dict(
            type='TwoStageTrainLoop', supervised=dict(epochs=II_EPOCHS),
            semi=dict(epochs=III_EPOCHS, labeled=2, unlabeled=4,
                      optim_wrapper=dict(
                          optimizer=dict(type='AdamW', lr=2e-3, betas=(0.8, 0.99))),
                      param_scheduler=[dict(type='MultiStepLR', milestones=[1], gamma=0.1)]),
            val_interval=100),
        custom_hooks=[*map(dict, HOOKS_OF_A_RUN), dict(type='Recorder'), *hooks],
        default_hooks=dict(timer=dict(type='StageTimerHook'), logger=dict(type='LoggerHook',
                                                                          interval=1),
                           checkpoint=dict(type='CheckpointHook', interval=1)),
        randomness=dict(seed=0), log_level='WARNING')
    cfg.update(options)
    return Config(deepcopy(cfg))


def train(cfg: Config) -> Runner:
    """Train to the end; ``runner.recorder`` is the Recorder of the run."""
    enable_safe_loading()
    Path(cfg.work_dir).mkdir(parents=True, exist_ok=True)
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.recorder = next(hook for hook in runner.hooks if isinstance(hook, Recorder))
    return runner
