"""The predictor: reading its file, preparing faces, and what it says when it cannot."""
import sys

import cv2
import numpy as np
import pytest

from ssfer_onnx import OnnxClassifier, OnnxModelError
from support.onnx_models import WEIGHTS
from support.onnx_models import color_classifier as write_model


@pytest.fixture
def path(tmp_path):
    return write_model(tmp_path / 'm.onnx', classes=list('rgbm'), input_size=[4, 6])


def test_probabilities_of_faces_of_any_size(path):
    rng = np.random.default_rng(0)
    faces = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((4, 6), (9, 5), (20, 31))]
    model = OnnxClassifier(path, batch_size=2)
    assert (model.classes, model.input_size) == (('r', 'g', 'b', 'm'), (4, 6))
    expected = []
    for face in faces:
        blue, green, red = cv2.resize(face, (6, 4)).reshape(-1, 3).mean(axis=0)
        logits = np.array([red, green, blue]) @ WEIGHTS
        expected.append(np.exp(logits) / np.exp(logits).sum())
    found = model.predict(faces)
    assert found.dtype == np.float32 and found.shape == (3, 4)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_no_faces_is_an_answer(path):
    assert OnnxClassifier(path).predict([]).shape == (0, 4)


@pytest.mark.parametrize('face, found', [
    (np.zeros((5, 5), np.uint8), r'uint8 \(5, 5\)'),
    (np.zeros((5, 5, 3), np.float32), 'float32'),
    (np.zeros((0, 5, 3), np.uint8), r'\(0, 5, 3\)'),
    (None, 'NoneType'),
])
def test_what_is_no_face(path, face, found):
    with pytest.raises(OnnxModelError, match=f'face 1 is .*{found}'):
        OnnxClassifier(path).predict([np.zeros((4, 4, 3), np.uint8), face])


@pytest.mark.parametrize('failure, words', [
    (ModuleNotFoundError('No module', name='onnxruntime'),
     'onnxruntime is not installed; run: pip install onnxruntime'),
    (ImportError('DLL load failed while importing\nonnxruntime_pybind11_state'),
     r'is installed but cannot be loaded \(DLL load failed while importing onnxruntime_\w+\); '
     'run: pip install --force-reinstall onnxruntime; .* redistributable'),
    (ModuleNotFoundError('No module', name='flatbuffers'), 'but cannot be loaded'),
], ids=['missing', 'broken', 'half'])
def test_an_onnxruntime_that_is_of_no_use(path, tmp_path, monkeypatch, failure, words):
    (tmp_path / 'onnxruntime.py').write_text('import builtins; raise builtins.failure')
    monkeypatch.setattr('builtins.failure', failure, raising=False)
    monkeypatch.delitem(sys.modules, 'onnxruntime')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OnnxModelError, match=words):
        OnnxClassifier(path)


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(OnnxModelError, match='does not exist'):
        OnnxClassifier(tmp_path / 'none.onnx')
    (tmp_path / 'bad.onnx').write_bytes(b'not a model')
    with pytest.raises(OnnxModelError, match='bad.onnx.*11 bytes'):
        OnnxClassifier(tmp_path / 'bad.onnx')
    with pytest.raises(OnnxModelError, match='tools/export.py'):
        OnnxClassifier(write_model(tmp_path / 'mute.onnx'))
