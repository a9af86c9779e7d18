"""The benchmarks of prediction run, and find the faces that they composed."""
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from support.onnx_models import brightness_detector, color_classifier

REPO = Path(__file__).resolve().parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(name, REPO / 'benchmarks' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_speed_on_composed_photos(tmp_path, capsys):
    model = color_classifier(tmp_path / 'm.onnx', classes=list('abcd'), input_size=[4, 6])
    brightness_detector(tmp_path / 'face_detector.onnx')
    assert load('predict_speed').main([str(model), '--count', '2', '--rounds', '1']) == 0
    said = capsys.readouterr().out
    assert '2 photos, 1 rounds' in said and '% of the wall time' in said


def test_a_face_is_found_where_it_was_pasted():
    margin = load('crop_margin')
    crop = np.full((48, 48, 3), 255, np.uint8)
    item = margin.paste(np.random.default_rng(0), crop, 3)
    x, y, side = item.place
    inside = item.picture[y + 2:y + side - 2, x + 2:x + side - 2]
    assert item.label == 3 and item.picture.shape == (320, 320, 3) and inside.min() == 255
    wrong = [0, 0, 8, 8] if x > 20 or y > 20 else [300, 300, 320, 320]
    right = [x + 3, y - 5, x + side, y + side]
    detector = SimpleNamespace(detect=lambda images: [
        SimpleNamespace(boxes=np.array(boxes, np.float32).reshape(-1, 4))
        for boxes in ([wrong, right], [wrong])])
    (found, box), = margin.find(detector, [item, item])
    assert found is item and box.tolist() == right


def test_figures_weigh_classes_alike():
    figures = load('crop_margin')._figures(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
    assert figures == 'accuracy 75.0 %, mean class accuracy 75.0 %'


@pytest.mark.parametrize('seed', range(3))
def test_composed_photos_have_the_promised_size(seed):
    photo = load('predict_speed').compose(np.random.default_rng(seed),
                                          [np.full((9, 9, 3), 250, np.uint8)])
    assert photo.shape == (1080, 1920, 3)
    assert cv2.countNonZero((photo.min(axis=2) == 250).astype(np.uint8)) > 200 * 200
