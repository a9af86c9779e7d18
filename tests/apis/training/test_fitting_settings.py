"""Settings that do not fit, before a model is built."""
import pytest
import torch
from mmengine.config import Config

from ssfer_mm.apis.training.fitting_settings import check_settings
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import REPO

SSFER = 'configs/ssfer/ferplus_5pct_resnet-nano.py'
MAE = 'configs/mae/mae_vit-micro-p8_faces-48px.py'
SPARK = 'configs/mae/spark_resnet-nano_faces-48px.py'


@pytest.mark.parametrize('stage', ['', 'train_cfg.supervised.', 'train_cfg.semi.'])
def test_a_misspelled_optimizer_of_any_stage(stage):
    cfg = load_config(SSFER)
    cfg.merge_from_dict({f'{stage}optim_wrapper.optimizer.type': 'AdamX'})
    with pytest.raises(KeyError, match='AdamX is not in the optimizer registry'):
        check_settings(cfg)


def test_what_a_config_leaves_out_is_not_checked():
    check_settings(Config(dict(optim_wrapper=dict(optimizer=dict(type=torch.optim.SGD)))))


def test_sync_bn_does_not_undo_the_masked_norms_of_spark():
    cfg = load_config(SPARK, {'sync_bn': 'torch'})
    with pytest.raises(UserError, match='remove sync_bn; each process then normalizes') as caught:
        check_settings(cfg)
    # enc_dec_norm_cfg, which it once named, is that of 4 of the 33 norms.
    assert 'SparseSyncBatchNorm2d' not in str(caught.value)


def test_sync_bn_of_processes_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = load_config(SSFER, {'sync_bn': 'torch'})
    check_settings(cfg)  # alone a process has nothing to share
    cfg.launcher = 'pytorch'
    with pytest.raises(UserError, match='remove sync_bn'):
        check_settings(cfg)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    check_settings(cfg)


@pytest.mark.parametrize('options, wrong', [
    ({'model.neck': None}, 'model.neck.upsample_ratio is 32'),
    ({'model.backbone.strides': (1, 2, 2, 2)}, 'model.downsample_raito is 16'),
    ({'model.downsample_raito': 8}, 'model.downsample_raito is 8'),
    ({'model.neck.upsample_ratio': 8}, 'model.neck.upsample_ratio is 8'),
    ({'model.head.patch_size': 32}, 'model.head.patch_size is 32')])
def test_cells_of_spark_are_as_large_as_those_of_its_backbone(options, wrong):
    cfg = load_config(SPARK)
    check_settings(cfg)
    cfg.merge_from_dict(options)
    with pytest.raises(UserError, match=f'{wrong}, but the strides .*'
                       f'{8 if "strides" in str(options) else 16}: set it to'):
        check_settings(cfg)


def test_cells_of_a_backbone_that_says_no_strides():
    cfg = load_config(SPARK)
    cfg.model.backbone.pop('strides')
    with pytest.raises(UserError, match='multiply to 8: set it to 8'):
        check_settings(cfg)


@pytest.mark.parametrize('key, other', [('model.type', 'Mine'),
                                        ('model.backbone.type', 'SparseMine')])
def test_cells_of_other_models_are_their_own(key, other):
    cfg = load_config(SPARK)
    cfg.merge_from_dict({key: other, 'model.downsample_raito': 32})
    check_settings(cfg)


@pytest.mark.parametrize('backbone, advice', [
    (dict(type='ResNet_CIFAR', depth=18), 'model.backbone.type=SparseResNet_CIFAR'),
    (dict(type='ConvNeXt'), 'model.backbone.type=SparseConvNeXt'),
    (dict(type='SparseConvNeXt'), 'model.backbone.gap_before_output=False'),
    (dict(type='SparseConvNeXt', gap_before_output=False), 'multiply to 32: set it to 32'),
    (dict(type='SparseResNet', depth=50), 'multiply to 32: set it to 32')])
def test_other_backbones_of_spark(backbone, advice):
    cfg = load_config(SPARK)
    cfg.model.backbone = backbone
    with pytest.raises(UserError, match=advice):
        check_settings(cfg)


def test_spark_as_mmpretrain_has_it():
    cfg = load_config(SPARK)
    cfg.model.backbone = dict(type='SparseResNet', depth=50)
    cfg.model.downsample_raito = 32
    cfg.model.neck.upsample_ratio = 32
    del cfg.model.head['patch_size']
    check_settings(cfg)


@pytest.mark.parametrize('options, advice', [
    ({'patch_size': 16},
     'set model.neck.num_patches=9 model.neck.patch_size=16 model.head.patch_size=16$'),
    ({'img_size': 64}, 'set model.neck.num_patches=64$'),
    ({'arch': 'deit-small'}, 'set model.neck.embed_dim=384$'),
    ({'patch_size': 10}, 'patches of 10 pixels do not fill images of 48: .*img_size=40'),
    ({'type': 'ResNet'}, 'ResNet hides no patches: set model.backbone.type=MAEViT, or take SparK'),
    ({'type': 'VisionTransformer'}, 'VisionTransformer hides no patches')])
def test_decoder_of_mae_follows_the_backbone(options, advice):
    cfg = load_config(MAE)
    cfg.model.backbone.update(options)
    with pytest.raises(UserError, match=advice):
        check_settings(cfg)


def test_mae_of_another_network_that_hides_patches():
    cfg = load_config(MAE)
    cfg.model.backbone = dict(type='MAEHiViT', arch='tiny', img_size=48, patch_size=16)
    cfg.model.neck.update(num_patches=9, patch_size=16, embed_dim=384)
    cfg.model.head.patch_size = 16
    check_settings(cfg)


@pytest.mark.parametrize('path, key', [(MAE, 'model.backbone.img_size'),
                                       (SPARK, 'model.input_size')])
def test_images_of_the_pipeline_are_as_large_as_the_network_expects(path, key):
    cfg = load_config(path)
    crop = next(step for step in cfg.train_dataloader.dataset.pipeline if 'scale' in step)
    crop.scale = 64
    with pytest.raises(UserError, match=f'images of 64 pixels, but {key} is 48: set {key}=64'):
        check_settings(cfg)
    crop.scale = (48, 48)  # of which nothing is said here
    check_settings(cfg)


@pytest.mark.parametrize('path', sorted((REPO / 'configs' / 'mae').glob('*.py')),
                         ids=lambda path: path.stem)
def test_shipped_configs_of_stage_one_fit(path):
    check_settings(load_config(str(path)))
