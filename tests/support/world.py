"""Small runs whose batches many processes share, and what they log."""
import os
import signal
from typing import Dict, List

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpretrain.models import MAEViT
from mmpretrain.registry import HOOKS, MODELS

from ssfer_mm.apis import train
from ssfer_mm.images.name import name_of
from support.models import MEAN, STD, mae
from support.runs import HOOKS_OF_A_RUN, config
from support.shrink import unique_name

VIEW = [dict(type='TrackedRandomResizedCrop', scale=16, crop_ratio_range=(0.5, 1.0)),
        dict(type='TrackedRandomFlip')]
STRONG = [*VIEW, dict(type='RandAugment', policies='timm_increasing', num_policies=2,
                      total_level=10, magnitude_level=9, magnitude_std=0.5)]
HOOKS_BY_DEFAULT = dict(
    timer=dict(type='StageTimerHook'), logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='SafeCheckpointHook', interval=-1),
    exact_resume=dict(type='ExactResumeHook'), global_log=dict(type='GlobalLogHook'))


@HOOKS.register_module()
class LogRecorder(Hook):
    """The figures of every iteration, as the log gets them, and the images of this process."""

    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        self.figures: List[Dict[str, float]] = []
        self.ids: List[dict] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.figures.append({name: float(value.detach()) for name, value in outputs.items()})
        samples = data_batch['data_samples']
        if isinstance(samples, dict):
            self.ids.append({part: [name_of(s) for s in samples.get(part, [])]
                             for part in ('labeled', 'unlabeled')})
        else:
            self.ids.append(dict(unlabeled=[name_of(s) for s in samples]))


def two_stages(work_dir, world: int, labeled: int = 8, semi: tuple = (4, 4), epochs: tuple = (7, 7),
               **options) -> Config:
    """Both stages with everything random that is drawn per image or per batch.

    24 of 36 images are labeled: 3 iterations per epoch in both stages, for any ``world``.

    Args:
        work_dir: Where it writes.
        world: Number of processes; the batch sizes that follow are divided by it.
        labeled: Labeled images in the batch of all processes, stage II.
        semi: Labeled and unlabeled ones in stage III.
        epochs: Of both stages.
        options: Replace top-level entries.
    """
    cfg = config(work_dir, facemix=dict(type='FaceMix'), default_hooks=dict(HOOKS_BY_DEFAULT))
    cfg.custom_hooks = [*map(dict, HOOKS_OF_A_RUN), dict(type='LogRecorder')]
    # Between the two confidences that this model comes to, 0.5 and 0.6.
    cfg.model.pseudo_label.threshold = 0.55
    loader = cfg.train_dataloader
    loader.batch_size = labeled // world
    loader.dataset.split = dict(per_class=8, seed=0)
    loader.dataset.labeled_pipeline = [dict(type='LoadFace'), *VIEW, dict(type='PackFace')]
    loader.dataset.unlabeled_pipeline = [
        dict(type='LoadFace'), dict(type='WeakStrongViews', weak=VIEW, strong=STRONG),
        dict(type='PackViews')]
    cfg.train_cfg.supervised.epochs, cfg.train_cfg.semi.epochs = epochs
    cfg.train_cfg.semi.update(labeled=semi[0] // world, unlabeled=semi[1] // world)
    cfg.launcher = 'pytorch' if world > 1 else 'none'
    cfg.env_cfg = dict(dist_cfg=dict(backend='gloo'))
    cfg.merge_from_dict(options)
    return cfg


@MODELS.register_module()
class OneMaskMAEViT(MAEViT):
    """MAE with the same mask for every image: what processes draw apart is equal then."""

    def random_masking(self, x, mask_ratio=0.75):
        state = torch.random.get_rng_state()
        torch.manual_seed(0)
        order = torch.randperm(x.shape[1]).expand(len(x), -1)
        torch.random.set_rng_state(state)
        restore = order.argsort(dim=1)
        keep = int(x.shape[1] * (1 - mask_ratio))
        mask = (restore >= keep).to(x)
        return x.gather(1, order[:, :keep, None].expand(-1, -1, x.shape[2])), mask, restore


def stage_one(work_dir, world: int, batch: int = 8, epochs: int = 5, **options) -> Config:
    """MAE on 36 images, 4 iterations per epoch."""
    model = mae()
    model['backbone']['type'] = 'OneMaskMAEViT'
    model['data_preprocessor'] = dict(type='SelfSupDataPreprocessor', mean=MEAN, std=STD)
    cfg = Config(dict(
        default_scope='mmpretrain', work_dir=str(work_dir), experiment_name=unique_name(),
        model=model,
        train_dataloader=dict(
            batch_size=batch // world, num_workers=0, drop_last=True,
            sampler=dict(type='SeededSampler', shuffle=True),
            dataset=dict(type='TinyFaces', data_root=None, subset='train',
                         pipeline=[dict(type='LoadFace'), *VIEW, dict(type='PackFace')])),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=epochs),
        custom_hooks=[dict(type='LogRecorder')],
        default_hooks=dict(HOOKS_BY_DEFAULT, timer=dict(type='IterTimerHook')),
        launcher='pytorch' if world > 1 else 'none',
        env_cfg=dict(dist_cfg=dict(backend='gloo')), randomness=dict(seed=0),
        log_level='WARNING'))
    cfg.merge_from_dict(options)
    return cfg


def figures_and_ids(cfg: Config) -> tuple:
    """Train -> figures of every iteration, and the images of this process."""
    runner = train(cfg)
    recorder = next(hook for hook in runner.hooks if isinstance(hook, LogRecorder))
    return recorder.figures, recorder.ids


@HOOKS.register_module()
class DieAt(Hook):
    """SIGKILL one of the processes after an iteration."""

    priority = 'LOWEST'

    def __init__(self, rank: int, iteration: int) -> None:
        self.rank, self.iteration = rank, iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.rank == self.rank and runner.iter == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


def calm(cfg: Config) -> Config:
    """Let AdamW leave alone what has no gradient: the bias of the keys gets rounding errors only,
    which it would otherwise turn into steps of full length."""
    for wrapper in (cfg.optim_wrapper, (cfg.train_cfg.get('semi') or {}).get('optim_wrapper')):
        if wrapper:
            wrapper.optimizer.eps = 1e-4
    return cfg


def largest_difference(one: Dict[str, torch.Tensor], other: Dict[str, torch.Tensor]) -> float:
    """Between tensors of the same name."""
    assert one.keys() == other.keys()
    return max(float((one[name] - value).abs().max()) for name, value in other.items())


def end_of(cfg: Config) -> dict:
    """Train -> the weights of this process, whole ones also where they were sharded."""
    model = train(cfg).model
    model = model.module if is_model_wrapper(model) else model
    return {name: value.clone() for name, value in model.state_dict().items()}
