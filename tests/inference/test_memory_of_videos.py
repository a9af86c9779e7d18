"""A long video takes no more memory than a short one."""
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from support.onnx_models import brightness_detector, color_classifier

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 640, 480
SHORT, LONG = 100, 450  # frames; the short one fills every queue already
FRAME = WIDTH * HEIGHT * 3 / 2**20  # MiB
# Largest resident memory of this program, in MiB, on the last line.
CODE = '''
import resource, sys
sys.path.insert(0, ROOT)
import ssfer_cli
status = ssfer_cli.main(sys.argv[1:])
unit = 2**20 if sys.platform == 'darwin' else 2**10
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
sys.exit(status)
'''.replace('ROOT', repr(str(ROOT)))


@pytest.fixture
def folder(tmp_path):
    color_classifier(tmp_path / 'm.onnx', classes=list('rgbm'), input_size=[4, 6])
    brightness_detector(tmp_path / 'face_detector.onnx')
    return tmp_path


def write_film(path, frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 25, (WIDTH, HEIGHT))
    for number in range(frames):
        writer.write(np.full((HEIGHT, WIDTH, 3), 180 + number % 50, np.uint8))
    writer.release()


def peak(folder, frames):
    """MiB that it takes to predict, smooth, draw and write so many frames."""
    write_film(folder / f'{frames}.mp4', frames)
    done = subprocess.run(
        [sys.executable, '-c', CODE, 'predict', f'{frames}.mp4', '--model', 'm.onnx', '--csv',
         'r.csv', '--json', 'r.json', '--out', 'out', '--smooth'], cwd=folder,
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len((folder / 'r.csv').read_text().splitlines()) == 1 + frames
    return float(done.stdout.splitlines()[-1])


def test_frames_are_forgotten(folder):
    grown = peak(folder, LONG) - peak(folder, SHORT)
    assert grown < 0.2 * (LONG - SHORT) * FRAME, 'frames pile up'
