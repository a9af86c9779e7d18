"""A small world for the command line: models, photos and a film."""
import cv2
import numpy as np
import pytest

from ssfer_mm.model_files import model_names
from support.onnx_models import brightness_detector, color_classifier


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with two models, photos (red, dark, damaged) and a film; none is shipped."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_names, 'WEIGHTS', tmp_path / 'nothing shipped')
    # The shares of red, green, blue, and a mix.
    color_classifier(tmp_path / 'm.onnx', classes=['anger', 'neutral', 'fear', 'disgust'],
                      input_size=[4, 6])
    brightness_detector(tmp_path / 'face_detector.onnx')
    (tmp_path / 'photos/deep').mkdir(parents=True)
    red = np.full((32, 32, 3), (140, 140, 255), np.uint8)
    cv2.imwrite('photos/red.png', red)
    cv2.imwrite('photos/deep/dark.jpg', np.zeros((32, 32, 3), np.uint8))
    writer = cv2.VideoWriter('film.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 10, (32, 32))
    for _ in range(7):
        writer.write(red)
    writer.release()
    return tmp_path
