"""The shipped ViT-L configs start and step with FSDP: all 303 million weights, small pictures."""
import math
import resource

import pytest
import torch
from torch.distributed.tensor import DTensor

from ssfer_mm.apis import load_config, train
from ssfer_mm.engine.sharded_runner import shards_on_cpus
from support.processes import together
from support.shrink import REPO, shrink
from support.world import LogRecorder

SIDE, PATCH, WIDTH = 32, 16, 1024


def large(cfg, work_dir, raw):
    """Everything small but the network; nothing written but the log, a checkpoint takes 5 GB."""
    cfg = shrink(cfg, work_dir, raw)
    backbone = cfg.model.get('classifier', cfg.model).backbone
    backbone.update(arch='l', img_size=SIDE, patch_size=PATCH)
    if cfg.model.type == 'MAE':
        cfg.model.neck.update(num_patches=(SIDE // PATCH)**2, patch_size=PATCH, embed_dim=WIDTH)
        cfg.model.head.patch_size = PATCH
    else:
        cfg.model.classifier.head.in_channels = WIDTH
        cfg.custom_hooks = [hook for hook in cfg.custom_hooks
                            if hook.type != 'ExportClassifierHook']
        cfg.train_cfg.semi.update(labeled=1, unlabeled=2)
    cfg.train_dataloader.batch_size = 2
    cfg.default_hooks.checkpoint = None
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='LogRecorder')]
    cfg.launcher, cfg.env_cfg = 'pytorch', dict(dist_cfg=dict(backend='gloo'))
    return cfg


def outcome(cfg):
    """Train -> losses, parameters of the student here and in all, peak memory in GiB."""
    runner = train(cfg)
    model = getattr(runner.model, 'student', runner.model)
    parts = list(model.parameters())
    assert all(isinstance(part, DTensor) for part in parts if part.requires_grad)
    moved = runner.optim_wrapper.optimizer.state
    assert len(moved) > 200 and all(bool(torch.isfinite(part.to_local()).all()) for part in parts
                                    if isinstance(part, DTensor))
    recorder = next(hook for hook in runner.hooks if isinstance(hook, LogRecorder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return ([step['loss'] for step in recorder.figures],
            sum(part.to_local().numel() for part in parts if isinstance(part, DTensor)),
            sum(part.numel() for part in parts), peak)


@pytest.mark.slow
@pytest.mark.skipif(not shards_on_cpus(), reason='this PyTorch shards on GPUs only')
@pytest.mark.parametrize('name', ['mae/mae_vit-large-p16_faces-224px-600e_fsdp.py',
                                  'ssfer/rafdb_25pct_vit-large_fsdp.py'])
def test_vit_large_starts_and_steps_in_two_processes(name, tmp_path, raw):
    cfg = large(load_config(REPO / 'configs' / name), tmp_path / 'run', raw)
    one, other = together(2, outcome, tmp_path, cfg, timeout=1800)
    print(f'{name}: {len(one[0])} steps, peaks of {one[3]:.1f} and {other[3]:.1f} GiB')
    assert len(one[0]) >= 3 and one[0] == other[0] and all(map(math.isfinite, one[0]))
    assert one[2] > 302e6 and abs(one[1] / one[2] - 0.5) < 0.01, 'half of it each'
