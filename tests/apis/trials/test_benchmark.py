"""tools/benchmark.py on tiny networks: every stage, every figure, and phases that add up."""
import argparse
import json

import cv2
import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.apis import load_config
from ssfer_mm.apis.trials import benchmark
from support.shrink import REPO

FIGURES = {'images_per_step', 'accepted_per_step', 'images_per_second', 'step_ms', 'bare_ms',
           'whole_over_bare', 'workers_cpu_ms', 'phases_ms', 'peak_memory_mib'}
SMALL = ['--rounds', '2', '--block-seconds', '0.01', '--detector', 'fixed', '--workers', '0']
TINY = ['train_cfg.semi.labeled=2', 'train_cfg.semi.unlabeled=4', 'train_dataloader.batch_size=4',
        'train_dataloader.dataset.dataset.num_images=40',
        'train_dataloader.dataset.split.fraction=0.4',
        'train_dataloader.dataset.dataset.cache_dir=None']


@pytest.fixture()
def measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(config, *arguments):
        benchmark.main([str(REPO / 'configs' / config), '--json', 'out.json', *SMALL, *arguments])
        return json.loads((tmp_path / 'out.json').read_text())[0]

    return run


def test_both_stages_of_ssfer(measured, capsys):
    found = measured('ssfer/synthfer_5pct_vit-micro.py', '--cfg-options', *TINY)
    assert list(found['stages']) == ['supervised', 'semi'] and found['precision'] == 'float32'
    for name, stage in found['stages'].items():
        assert FIGURES <= set(stage) and {'ours_ms', 'plain_ms', 'ours_over_plain'} <= set(stage)
        phases = set(stage['phases_ms'])
        assert {'data wait', 'student forward', 'backward', 'optimizer', 'ema',
                'hooks and logging'} <= phases
        assert ('teacher' in phases) == (name == 'semi')
        assert ('facemix and boxes' in phases) == (name == 'supervised')
    assert found['stages']['semi']['images_per_step'] == dict(labeled=2, unlabeled=4)
    assert found['stages']['semi']['accepted_per_step'] == 3
    text = capsys.readouterr().out
    assert 'whole / bare' in text and 'ours / plain' in text and 'peak memory' in text


@pytest.mark.parametrize('config, data', [
    ('synthfer-48px', ['num_images=16', 'cache_dir=None']),
    ('faces-48px_face-mask', ['data_root=[faces]'])])
def test_stage_one_in_bfloat16(measured, tmp_path, config, data):
    (tmp_path / 'faces').mkdir()
    for k in range(16):
        cv2.imwrite(str(tmp_path / f'faces/{k}.png'), np.zeros((48, 48, 3), np.uint8))
    found = measured(f'mae/mae_vit-micro-p8_{config}.py', '--cfg-options',
                     'train_dataloader.batch_size=4', 'optim_wrapper.type=BFloat16OptimWrapper',
                     *(f'train_dataloader.dataset.{setting}' for setting in data))
    assert found['precision'] == 'bfloat16'
    stage = found['stages']['pretrain']
    assert FIGURES <= set(stage) and 'plain_ms' not in stage
    assert stage['images_per_step'] == dict(labeled=0, unlabeled=4)


def test_no_plain_step_where_it_would_do_less_than_ours(measured):
    found = measured('ssfer/synthfer_5pct_vit-micro.py', '--cfg-options', *TINY,
                     'data_preprocessor.semi_facemix=True')
    assert 'plain_ms' in found['stages']['supervised']
    assert 'plain_ms' not in found['stages']['semi'], 'it mixes no faces in stage III'


def test_a_short_stage_that_accumulates_gradients(measured):
    """It is timed for more steps than it has."""
    found = measured('ssfer/synthfer_5pct_vit-micro.py', '--stage', 'supervised', '--no-plain',
                     '--cfg-options', *TINY, 'train_cfg.supervised.epochs=1',
                     'optim_wrapper.accumulative_counts=3')
    assert FIGURES <= set(found['stages']['supervised'])


@pytest.mark.parametrize('setting, expected', [
    (dict(keep_gb=1.0), True), (dict(keep_gb=None, pipeline=[dict(cache_gb=0.5)]), True),
    (dict(pipeline=[dict(cache_gb=0)]), False)])
def test_what_keeps_images_is_filled_before_anything_is_timed(setting, expected):
    assert benchmark._keeps_images(dict(dataset=setting)) is expected


def test_the_config_that_a_run_of_several_processes_left_is_timed_in_one(tmp_path):
    cfg = load_config(REPO / 'configs/ssfer/synthfer_5pct_vit-micro.py')
    cfg.launcher = 'pytorch'
    cfg.dump(str(tmp_path / 'config.py'))
    cfg = load_config(tmp_path / 'config.py')
    benchmark._prepare(cfg, argparse.Namespace(checkpoint=None, workers=None))
    assert cfg.launcher == 'none'


def test_a_stage_that_is_not_there(measured):
    with pytest.raises(UserError, match='it has supervised, semi'):
        measured('ssfer/synthfer_5pct_vit-micro.py', '--stage', 'pretrain', '--cfg-options', *TINY)


def test_a_face_detector_is_not_timed(measured):
    with pytest.raises(UserError, match='trains a face detector'):
        measured('face_detectors/rtmdet-micro_faces-160px.py')


def test_what_was_measured_is_kept_when_a_later_config_fails(tmp_path, monkeypatch):
    out = tmp_path / 'out.json'
    monkeypatch.setattr(benchmark, 'benchmark', lambda cfg, args: dict(config=cfg.filename))
    monkeypatch.setattr(benchmark, 'show', lambda result: None)
    first = str(REPO / 'configs/ssfer/synthfer_5pct_vit-micro.py')
    with pytest.raises(UserError, match='not found'):
        benchmark.main([first, str(tmp_path / 'none.py'), '--json', str(out)])
    assert [result['config'] for result in json.loads(out.read_text())] == [first]


@pytest.mark.parametrize('wrong', ['--rounds 0', '--threads -1', '--threads 0', '--workers -1',
                                   '--acceptance 75', '--acceptance nan'])
def test_numbers_that_cannot_be(wrong):
    with pytest.raises(UserError, match=f'{wrong}(?:.0)?: expected'):
        benchmark.main(['x.py', *wrong.split()])
