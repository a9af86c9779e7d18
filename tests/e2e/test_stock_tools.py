"""mmpretrain's own tools, run as it ships them, on what a run exported."""
import importlib.util
import json
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import mmpretrain
import numpy as np
import pytest

from ssfer_mm.expressions import SYNTHFER8
from ssfer_mm.inference import FERInferencer
from ssfer_mm.synthfer import SynthFERGenerator
from support.outcome import stages
from support.shrink import REPO

TOOLS = Path(mmpretrain.__file__).parent / '.mim' / 'tools'


@pytest.fixture
def stock(finished, tmp_path):
    """Runs one of the tools with the exported pair; gives back what it wrote."""

    def run(tool, *options, before=()):
        pair = [str(finished.run / name) for name in ('classifier.py', 'classifier_semi.pth')]
        done = subprocess.run([sys.executable, str(TOOLS / tool), *before, *pair, *options],
                              cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


def test_stock_test_measures_what_the_run_logged(stock, finished, tmp_path):
    stock('test.py', '--work-dir', 'work', '--out', 'metrics.pkl', '--out-item', 'metrics')
    with open(tmp_path / 'metrics.pkl', 'rb') as file:
        metrics = pickle.load(file)
    assert metrics == pytest.approx(stages(finished.run)['semi']['metrics'])


def test_stock_confusion_matrix(stock, finished, tmp_path):
    stock('analysis_tools/confusion_matrix.py', '--out', 'matrix.pkl')
    with open(tmp_path / 'matrix.pkl', 'rb') as file:
        matrix = pickle.load(file)
    assert matrix.shape == (len(SYNTHFER8),) * 2
    accuracy = 100 * matrix.trace() / matrix.sum()
    assert float(accuracy) == pytest.approx(stages(finished.run)['semi']['metrics']['accuracy'])


def test_stock_scheduler_curve_of_stage_one(tmp_path):
    config = REPO / 'configs' / 'mae' / 'mae_vit-micro-p8_faces-48px.py'
    done = subprocess.run(
        [sys.executable, str(TOOLS / 'visualization' / 'vis_scheduler.py'), str(config),
         '--not-show', '--save-path', 'curve.png', '--dataset-size', '256',
         '--cfg-options', 'train_cfg.max_epochs=2'],
        cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert cv2.imread(str(tmp_path / 'curve.png')) is not None


@pytest.fixture
def face(tmp_path):
    """A drawn face, as large as the model's input."""
    drawn = SynthFERGenerator(seed=3, size=32).item('test', 0)
    cv2.imwrite(str(tmp_path / 'face.png'), drawn.image[..., ::-1])
    return cv2.imread(str(tmp_path / 'face.png'))


def test_stock_cam(stock, face, tmp_path):
    if importlib.util.find_spec('pytorch_grad_cam') is None:
        pytest.skip('needs grad-cam: pip install grad-cam')
    if 'use_cuda=' in (TOOLS / 'visualization' / 'vis_cam.py').read_text():
        pytest.skip('vis_cam.py of mmpretrain 1.2.0 does not know grad-cam 1.5')
    maps = []
    for category in (0, 1):
        said = stock('visualization/vis_cam.py', '--vit-like', '--save-path', 'cam.png',
                     '--target-category', str(category), before=['face.png'])
        assert 'backbone.layers.1.ln1' in said, 'of the last of two layers: all patches still count'
        maps.append(cv2.imread(str(tmp_path / 'cam.png')).astype(int))
        assert maps[-1].shape == face.shape
        # Heat is laid over the face: what is left shows the face.
        residue = np.corrcoef(maps[-1].mean(2).ravel(), face.mean(2).ravel())[0, 1]
        assert 0.1 < residue < 0.999
    assert np.abs(maps[0] - maps[1]).max() > 20, 'each class has a map of its own'


GET_MODEL = """
import json, sys
from mmcv.transforms import Compose
from mmengine.dataset import default_collate
from mmpretrain import get_model
from mmpretrain.registry import TRANSFORMS
config, weights, image = sys.argv[1:]
model = get_model(config, pretrained=weights)
steps = [TRANSFORMS.build(step) for step in model._config.test_dataloader.dataset.pipeline]
answer, = model.test_step(default_collate([Compose(steps)(dict(img_path=image))]))
print('ANSWER', json.dumps(answer.pred_score.tolist()))
"""


def test_stock_get_model_in_a_program_that_has_never_heard_of_us(finished, face, tmp_path):
    weights = finished.run / 'classifier_semi.pth'
    done = subprocess.run(
        [sys.executable, '-c', GET_MODEL, str(finished.run / 'classifier.py'), str(weights),
         'face.png'], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.partition('ANSWER')[2])
    ours, = FERInferencer(weights, 'whole')(face)[0].faces
    assert answer == pytest.approx(list(ours.probabilities.values()), abs=1e-5)
