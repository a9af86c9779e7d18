"""The face detector's config trains, and what it writes becomes the package's weights file."""
import math

import pytest
import torch
from mmengine.logging import MessageHub

from ssfer_mm.apis import load_config, train
from ssfer_mm.apis.export.export_face_detector import main as export
from ssfer_mm.faces.detectors import EmbeddedFaceDetector
from support.detectors import noise
from support.face_cuts import write_cuts
from support.shrink import REPO, unique_name

pytest.importorskip('mmdet')
NAMES = [f'face_detectors/rtmdet-micro_faces-{size}px.py' for size in (160, 224)]


@pytest.fixture(params=NAMES)
def cfg(tmp_path, request):
    folder, boxes = write_cuts(tmp_path / 'data', 30)
    cfg = load_config(REPO / 'configs' / request.param, {
        'train_dataloader.batch_size': 4, 'train_dataloader.num_workers': 0,
        'train_dataloader.sampler.length': 8, 'train_cfg.max_epochs': 1,
        'default_hooks.logger.interval': 1})
    cfg.train_dataloader.dataset.update(folder=folder, box_file=boxes, drawn=2, cache_dir=None)
    cfg.load_from = None
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'run'), unique_name()
    return cfg


def test_two_iterations_and_an_export(cfg, tmp_path, capsys):
    runner = train(cfg)
    assert runner.iter == 2
    losses = MessageHub.get_current_instance().get_scalar('train/loss').data[0]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    weight = runner.model.backbone.stem[0].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    out = tmp_path / 'w.safetensors'
    status = export([cfg.filename, f'{cfg.work_dir}/epoch_1.pth', '--out', str(out)])
    assert status == 0, capsys.readouterr().err
    assert out.stat().st_size <= 4e6
    detector = EmbeddedFaceDetector(weights=out, score_threshold=0.)
    assert detector.input_size == 224 and detector.training['steps'] == 2
    assert detector.training['averaged']
    assert len(detector.detect(noise((50, 70)))) == 1


def test_a_detector_is_trained_on_the_training_part_alone(cfg):
    assert cfg.train_dataloader.dataset.part == 'train'


def test_the_second_part_goes_on_where_the_first_one_ends():
    first, second = (load_config(REPO / 'configs' / name) for name in NAMES)
    assert second.load_from == (f'work_dirs/{NAMES[0].split("/")[1][:-3]}/'
                                f'epoch_{first.train_cfg.max_epochs}.pth')
    assert 'seed' not in first.train_dataloader.dataset and second.train_dataloader.dataset.seed
    for key in ('backbone', 'neck', 'bbox_head', 'test_cfg'):
        assert first.model[key] == second.model[key]
