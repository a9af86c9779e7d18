"""Settings that do not fit, before a model is built."""
import pytest
import torch
from mmengine.config import Config

from ssfer_mm.apis.training.fitting_settings import check_settings
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import REPO

SSFER = 'configs/ssfer/ferplus_5pct_resnet-nano.py'
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
    ({'model.neck': None}, 'model.neck.upsample_ratio is None'),
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
                                        ('model.backbone.type', 'SparseConvNeXt')])
def test_cells_of_other_models_are_their_own(key, other):
    cfg = load_config(SPARK)
    cfg.merge_from_dict({key: other, 'model.downsample_raito': 32})
    check_settings(cfg)


@pytest.mark.parametrize('path', sorted((REPO / 'configs' / 'mae').glob('spark_*.py')),
                         ids=lambda path: path.stem)
def test_shipped_configs_of_spark_fit(path):
    check_settings(load_config(str(path)))
