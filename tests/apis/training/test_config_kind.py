"""What is not a training config says what it is for."""
import pytest
from mmengine.config import Config

from ssfer_mm.apis.training import launch
from ssfer_mm.apis.training.config_kind import TESTS, check_kind
from ssfer_mm.apis.trials import soak
from ssfer_mm.apis.trials.benchmark import benchmark
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

TABLE = 'configs/tables/ferplus.yaml'


@pytest.mark.parametrize('config, words', [
    (TABLE, f'python tools/run_table.py .*{TABLE}'),
    ('configs/tables/ferplus_resnet-micro.yaml', 'python tools/run_table.py'),
    ('configs/face_detectors/yolox-s_coco-face.py', 'python tools/detect_faces.py .* --detector'),
    ('configs/_base_/datasets/ferplus_48px.py', 'has no model, train_cfg: add'),
])
def test_what_is_not_trained_says_what_it_is_for(config, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        launch.train_main([config])
    assert not list(tmp_path.iterdir()), 'no work dir of a run that cannot be'


def test_the_other_tools_that_run_a_config_say_so_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='run_table'):
        benchmark(load_config(TABLE), None)
    assert soak.main([TABLE]) == 2
    assert 'run_table' in capsys.readouterr().err


def test_a_test_needs_no_training_data():
    cfg = Config(dict(model=dict(type='SSFER'), test_dataloader=dict(batch_size=1)))
    check_kind(cfg, TESTS)
    with pytest.raises(UserError, match='has no train_dataloader, train_cfg'):
        check_kind(cfg)


@pytest.mark.parametrize('config', [
    'configs/ssfer/rafdb_5pct.py', 'configs/mae/mae_vit-micro-p8_faces-48px.py',
    'configs/baselines/ferplus_5pct_vit-micro_labeled-only.py',
    'configs/face_detectors/rtmdet-micro_faces-160px.py'])
def test_what_is_trained_passes(config):
    check_kind(load_config(config))
