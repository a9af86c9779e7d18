"""The ViT-B configs carry the paper's constants, and their schedules are the paper's curves."""
import copy
import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.apis import load_config
from support.shrink import REPO, configs

PAPER = [name for name in configs('ssfer')
         if name.split('/')[1].startswith(('rafdb', 'ferplus', 'affectnet'))
         and name.endswith('pct.py')]
MAE = 'mae/mae_vit-base-p16_faces-224px-600e.py'

# key -> value; RGB mean (0.588, 0.459, 0.402) and std (0.228, 0.202, 0.190), times 255
NORMALISATION = {
    'data_preprocessor.mean': [149.94, 117.045, 102.51],
    'data_preprocessor.std': [58.14, 51.51, 48.45],
    'data_preprocessor.to_rgb': True,
}
STAGES_2_3 = {
    **NORMALISATION,
    'model.classifier.backbone.type': 'VisionTransformer',
    'model.classifier.backbone.arch': 'b',
    'model.classifier.backbone.img_size': 224,
    'model.classifier.backbone.patch_size': 16,
    'model.pseudo_label.type': 'ConfidenceThreshold',
    'model.pseudo_label.threshold': 0.7,
    'model.unlabeled_weight': 5.0,
    'model.ema_decay': 0.999,
    'data_preprocessor.facemix.type': 'FaceMix',
    'data_preprocessor.facemix.alpha': 1.0,
    'data_preprocessor.facemix.label_smoothing': 0.1,
    'train_cfg.supervised.epochs': 100,
    'train_dataloader.batch_size': 32,
    'optim_wrapper.optimizer.type': 'AdamW',
    'optim_wrapper.optimizer.lr': 1.5e-4,
    'optim_wrapper.optimizer.betas': (0.9, 0.95),
    'optim_wrapper.optimizer.weight_decay': 0.05,
    'train_cfg.semi.epochs': 50,
    'train_cfg.semi.labeled': 64,
    'train_cfg.semi.unlabeled': 64,
    'train_cfg.semi.optim_wrapper.optimizer.type': 'AdamW',
    'train_cfg.semi.optim_wrapper.optimizer.lr': 1.5e-4,
    'train_cfg.semi.optim_wrapper.optimizer.weight_decay': 0.05,
}
STAGE_1 = {
    **NORMALISATION,
    'model.backbone.arch': 'b',
    'model.backbone.img_size': 224,
    'model.backbone.patch_size': 16,
    'model.backbone.mask_ratio': 0.75,
    'model.neck.decoder_depth': 8,
    'model.neck.decoder_embed_dim': 512,
    'model.neck.decoder_num_heads': 16,
    'model.neck.num_patches': 196,
    'model.head.norm_pix': False,
    'train_dataloader.batch_size': 256,
    'optim_wrapper.optimizer.type': 'AdamW',
    'optim_wrapper.optimizer.lr': 3.4e-4,
    'optim_wrapper.optimizer.betas': (0.9, 0.95),
    'optim_wrapper.optimizer.weight_decay': 0.05,
    'train_cfg.max_epochs': 600,
}


def load(name):
    return load_config(REPO / 'configs' / name)


def differences(cfg, table):
    """The rows of a table that a config does not fulfil."""
    found = {}
    for key in table:
        value = cfg
        for part in key.split('.'):
            value = value.get(part)
        found[key] = tuple(value) if isinstance(table[key], tuple) else value
    return {key: found[key] for key in table if found[key] != table[key]}


@pytest.mark.parametrize('name', PAPER)
def test_stages_two_and_three(name):
    assert differences(load(name), STAGES_2_3) == {}


def test_twelve_configs_are_the_papers():
    assert len(PAPER) == 12


def test_stage_one():
    assert differences(load(MAE), STAGE_1) == {}


def test_augmentations():
    cfg = load(PAPER[0])
    data = cfg.train_dataloader.dataset
    views = data.unlabeled_pipeline[1]
    weak = [dict(type='TrackedRandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
            dict(type='TrackedRandomFlip')]
    assert data.labeled_pipeline[1:-1] == weak and views.weak == weak
    assert views.strong[:2] == weak and len(views.strong) == 3
    # rand-m9-mstd0.5-inc1, of timm's two operations per image
    wanted = dict(type='RandAugment', policies='timm_increasing', num_policies=2, total_level=10,
                  magnitude_level=9, magnitude_std=0.5)
    assert {key: views.strong[2].get(key) for key in wanted} == wanted
    crop, flip = load(MAE).train_dataloader.dataset.pipeline[1:-1]
    assert (crop.type, crop.interpolation) == ('TrackedRandomResizedCrop', 'bicubic')
    assert TRANSFORMS.build(crop).crop_ratio_range == (0.2, 1.0)
    assert flip == dict(type='TrackedRandomFlip') and TRANSFORMS.build(flip).prob == 0.5


@pytest.mark.parametrize('data, kind, subset', [
    ('rafdb', 'RAFDB', 'test'), ('ferplus', 'FERPlus', 'valid+test'),
    ('affectnet7', 'AffectNet', 'valid'), ('affectnet8', 'AffectNet', 'valid')])
def test_test_sets(data, kind, subset):
    """3,068, 3,555 + 3,545, 3,500 and 4,000 images; training never sees them."""
    for cfg in (load(name) for name in PAPER if name.startswith(f'ssfer/{data}_')):
        own = cfg.train_dataloader.dataset.dataset
        assert (own.type, own.subset) == (kind, 'train')
        for loader in (cfg.val_dataloader, cfg.test_dataloader):
            assert (loader.dataset.type, loader.dataset.subset) == (kind, subset)


def learning_rates(optim_wrapper, schedules, epochs, length):
    """The learning rate of every iteration of a stage."""
    cfg = optim_wrapper.optimizer
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=cfg.lr)
    wrapper = OptimWrapper(optimizer)
    built = [PARAM_SCHEDULERS.build(copy.deepcopy(schedule),
                                    default_args=dict(optimizer=wrapper, epoch_length=length))
             for schedule in schedules]
    rates = []
    for _ in range(epochs):
        for _ in range(length):
            rates.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            for schedule in built:
                if not schedule.by_epoch:
                    schedule.step()
        for schedule in built:
            if schedule.by_epoch:
                schedule.step()
    return rates


def test_learning_rate_of_stage_two():
    """5 epochs from 5e-5 up to 1.5e-4, a cosine to 1e-5 until epoch 50, flat from there."""
    cfg, length = load(PAPER[0]), 10
    rates = learning_rates(cfg.optim_wrapper, cfg.param_scheduler, 100, length)
    assert rates[0] == pytest.approx(5e-5)
    assert max(rates) == pytest.approx(1.5e-4, rel=1e-6)
    assert abs(rates.index(max(rates)) - 5 * length) <= 1
    middle = 1e-5 + (1.5e-4 - 1e-5) * 0.5 * (1 + math.cos(math.pi * 20 / 45))
    assert rates[25 * length] == pytest.approx(middle, rel=0.02)
    assert rates[50 * length:] == pytest.approx([1e-5] * 50 * length, rel=1e-3)


def test_learning_rate_of_stage_three():
    """A tenth at epoch 20, and again at 40."""
    semi = load(PAPER[0]).train_cfg.semi
    rates = learning_rates(semi.optim_wrapper, semi.param_scheduler, 50, 2)
    assert rates == pytest.approx([1.5e-4] * 40 + [1.5e-5] * 40 + [1.5e-6] * 20)


def test_learning_rate_of_stage_one():
    cfg, length = load(MAE), 4
    rates = learning_rates(cfg.optim_wrapper, cfg.param_scheduler, 600, length)
    assert rates[0] < 1e-6 and rates[25 * length] == pytest.approx(1.7e-4, rel=0.03)
    assert max(rates) == pytest.approx(3.4e-4, rel=1e-3)
    assert rates[325 * length] == pytest.approx(1.7e-4, rel=0.02)
    assert rates[-1] < 1e-8
