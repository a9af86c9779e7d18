"""``deterministic=True``: two processes, other hash seeds, workers, and the same bits."""
import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from ssfer_mm.apis.training.determinism import make_deterministic
from ssfer_mm.apis.training.launch import build_runner
from ssfer_mm.apis.trials.compare_runs import compare_values
from ssfer_mm.errors import UserError
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.runs import config
from support.shrink import REPO


def random_config(work_dir):
    """Crops and FaceMix, two workers, an epoch of each stage; no ExactResumeHook, whose seeds
    would make much of it equal anyway."""
    cfg = config(work_dir, facemix=dict(type='FaceMix'),
                 custom_imports=dict(imports=['ssfer_mm', 'support.runs']),
                 randomness=dict(seed=3, deterministic=True))
    crop = dict(type='TrackedRandomResizedCrop', scale=16, crop_ratio_range=(0.2, 1.0))
    cfg.train_dataloader.dataset.labeled_pipeline.insert(1, crop)
    cfg.train_dataloader.num_workers = 2
    cfg.train_cfg.supervised.epochs = cfg.train_cfg.semi.epochs = 1
    return cfg


@pytest.fixture()
def torch_as_before():
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False


def same(one, other):
    ends = [load_checkpoint_safely(folder / 'epoch_2.pth') for folder in (one, other)]
    return [difference for part in ('state_dict', 'optimizer', 'param_schedulers')
            for difference in compare_values(ends[0][part], ends[1][part])] == []


def test_two_runs_are_bit_identical(tmp_path, torch_as_before, workspace):
    for name in ('one', 'other'):
        torch.rand(7)  # what was drawn before does not matter
        build_runner(random_config(tmp_path / name)).train()
        assert torch.are_deterministic_algorithms_enabled()
    assert same(tmp_path / 'one', tmp_path / 'other')


@pytest.mark.slow
def test_two_processes_are_bit_identical(tmp_path):
    for seed, name in enumerate(('one', 'other')):
        random_config(tmp_path / name).dump(tmp_path / f'{name}.py')
        environment = dict(os.environ, PYTHONPATH=f'{REPO}:{REPO / "tests"}', OMP_NUM_THREADS='1',
                           PYTHONHASHSEED=str(seed), CUDA_VISIBLE_DEVICES='')
        done = subprocess.run([sys.executable, str(REPO / 'tools/train.py'),
                               str(tmp_path / f'{name}.py')], env=environment,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
    assert same(tmp_path / 'one', tmp_path / 'other')


@pytest.fixture()
def workspace(monkeypatch):
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', 'x')  # so that it is restored afterwards
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG')


def test_what_mmengine_leaves_out(workspace):
    cfg = Config(dict(randomness=dict(seed=0, deterministic=True),
                      env_cfg=dict(cudnn_benchmark=True)))
    make_deterministic(cfg)
    assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'
    assert cfg.env_cfg.cudnn_benchmark is False


def test_other_runs_are_left_alone(workspace):
    cfg = Config(dict(randomness=dict(seed=None), env_cfg=dict(cudnn_benchmark=True)))
    make_deterministic(cfg)
    assert 'CUBLAS_WORKSPACE_CONFIG' not in os.environ and cfg.env_cfg.cudnn_benchmark


def test_what_cannot_be_deterministic_is_refused(workspace, monkeypatch):
    with pytest.raises(UserError, match='randomness.seed=0'):
        make_deterministic(Config(dict(randomness=dict(deterministic=True))))
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':0:0')
    with pytest.raises(UserError, match='CUBLAS_WORKSPACE_CONFIG=:0:0'):
        make_deterministic(Config(dict(randomness=dict(seed=1, deterministic=True))))
    assert not torch.are_deterministic_algorithms_enabled()
