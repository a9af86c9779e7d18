"""mmpretrain's own tools, run as it ships them, on what a run exported."""
import pickle
import subprocess
import sys
from pathlib import Path

import mmpretrain
import pytest

from ssfer_mm.expressions import SYNTHFER8
from support.outcome import stages

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


def test_stock_cam(stock, tmp_path):
    pytest.importorskip('pytorch_grad_cam', reason='pip install grad-cam')
    import cv2
    import numpy as np

    face = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'face.png'), face)
    stock('visualization/vis_cam.py', '--vit-like', '--save-path', 'cam.png',
          before=['face.png'])
    assert cv2.imread(str(tmp_path / 'cam.png')) is not None
