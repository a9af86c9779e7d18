"""Settings that do not fit, before a model is built."""
import pytest
import torch

from ssfer_mm.apis.training.fitting_settings import check_settings
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import REPO

SPARK = 'configs/mae/spark_resnet-nano_faces-48px.py'


def test_sync_bn_does_not_undo_the_masked_norms_of_spark():
    cfg = load_config(SPARK, {'sync_bn': 'torch'})
    with pytest.raises(UserError, match='remove sync_bn; each process then normalizes') as caught:
        check_settings(cfg)
    # enc_dec_norm_cfg, which it once named, is that of 4 of the 33 norms.
    assert 'SparseSyncBatchNorm2d' not in str(caught.value)


def test_sync_bn_of_processes_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = load_config('configs/ssfer/ferplus_5pct_resnet-nano.py', {'sync_bn': 'torch'})
    check_settings(cfg)  # alone a process has nothing to share
    cfg.launcher = 'pytorch'
    with pytest.raises(UserError, match='remove sync_bn'):
        check_settings(cfg)


@pytest.mark.parametrize('options, wrong', [
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


@pytest.mark.parametrize('path', sorted((REPO / 'configs' / 'mae').glob('spark_*.py')),
                         ids=lambda path: path.stem)
def test_shipped_configs_of_spark_fit(path):
    check_settings(load_config(str(path)))
