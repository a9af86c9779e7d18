"""``--amp``, and what is said where it would pay."""
import pytest
import torch
from mmengine.logging import MMLogger

from ssfer_mm.apis.training import launch, mixed_precision
from ssfer_mm.apis.training.mixed_precision import set_amp
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.tiny_config import write_tiny_config

HINT = 'with --amp it trains'


@pytest.fixture()
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_tiny_config(tmp_path)


@pytest.fixture()
def processor(monkeypatch):
    """Call it with whether the processor, beside which there is no GPU, has bfloat16."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    return lambda able: monkeypatch.setattr(mixed_precision, 'has_bfloat16', lambda: able)


def test_amp_without_a_gpu(config, processor):
    processor(False)
    with pytest.raises(UserError, match='no GPU found'):
        launch.train_main([str(config), '--amp'])
    processor(True)
    runner = launch.train_main([str(config), '--amp'])
    assert runner.iter == 4 and runner.optim_wrapper.precision == 'bfloat16'


@pytest.mark.parametrize('able, more, told', [
    (True, [], True), (True, ['--amp'], False), (False, [], False)
])
def test_a_processor_with_bfloat16_is_told_of(config, processor, monkeypatch, able, more, told):
    said = []
    monkeypatch.setattr(MMLogger, 'info', lambda logger, text, *_: said.append(str(text)))
    processor(able)
    launch.train_main([str(config), *more])
    assert sum(HINT in text for text in said) == told


def test_every_stage_of_two_trains_in_mixed_precision(processor):
    processor(True)
    cfg = load_config('configs/ssfer/ferplus_5pct_vit-micro.py')
    set_amp(cfg)
    for wrapper in (cfg.optim_wrapper, cfg.train_cfg.semi.optim_wrapper):
        assert wrapper.type == 'BFloat16OptimWrapper' and 'loss_scale' not in wrapper


def test_amp_on_a_gpu_skips_overflowing_steps_whole(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = load_config('configs/ssfer/ferplus_5pct_vit-micro.py')
    set_amp(cfg)
    for wrapper in (cfg.optim_wrapper, cfg.train_cfg.semi.optim_wrapper):
        assert wrapper.type == 'AmpOptimWrapper' and wrapper.loss_scale == 'dynamic'
        assert 'fused' not in wrapper.optimizer
    cfg.optim_wrapper.type = cfg.train_cfg.semi.optim_wrapper.type = 'BFloat16OptimWrapper'
    set_amp(cfg)
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper', 'it is mixed precision already'
