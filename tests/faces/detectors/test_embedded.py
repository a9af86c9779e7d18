"""The weights file that describes itself."""
import json

import numpy as np
import pytest
import torch

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import EmbeddedFaceDetector, MMDetFaceDetector
from ssfer_mm.faces.detectors.embedded import WEIGHTS
from support.detectors import noise, random_weights, rtmdet, save_embedded

pytest.importorskip('mmdet')


@pytest.fixture(scope='module')
def weights():
    return random_weights(rtmdet())


@pytest.fixture(scope='module')
def file(weights, tmp_path_factory):
    return save_embedded(tmp_path_factory.mktemp('weights') / 'a.safetensors', weights=weights)


def test_it_is_the_model_of_its_metadata(file, weights, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(weights, path)
    images = noise((64, 64), (30, 90))
    ours = EmbeddedFaceDetector(weights=file, nms_iou=0.65)
    theirs = MMDetFaceDetector(dict(model=rtmdet()), str(path), input_size=64)
    for a, b in zip(ours.detect(images), theirs.detect(images)):
        assert len(a) == len(b) > 0
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_settings_reach_the_model(file):
    images = noise((64, 64))
    strict = EmbeddedFaceDetector(weights=file, nms_iou=0.1).detect(images)[0]
    lax = EmbeddedFaceDetector(weights=file, nms_iou=0.9).detect(images)[0]
    assert 0 < len(strict) < len(lax)
    large = EmbeddedFaceDetector(weights=file, input_size=96, score_threshold=0.7)
    assert large.describe() == dict(
        detector='embedded', weights='a.safetensors', weights_sha256=large.sha256,
        score_threshold=0.7, nms_iou=0.5, input_size=96)
    assert large.prepare(images[0])[0].shape == (3, 96, 96)
    assert EmbeddedFaceDetector(weights=file).input_size == 64, 'the size of its training'


def test_half_precision_file(weights, tmp_path, file):
    half = save_embedded(tmp_path / 'h.safetensors', weights=weights, half=True)
    assert half.stat().st_size < 0.6 * file.stat().st_size
    detector = EmbeddedFaceDetector(weights=half)
    assert {p.dtype for p in detector.model.parameters()} == {torch.float32}
    assert len(detector.detect(noise((64, 64)))[0]) > 0


def test_device_can_change(file):
    detector = EmbeddedFaceDetector(weights=file)
    assert detector.to('meta') is detector
    assert {p.device.type for p in detector.model.parameters()} == {'meta'}


@pytest.mark.parametrize('change, message', [
    (lambda path: path.unlink(), 'not found; check the path'),
    (lambda path: path.write_bytes(path.read_bytes()[:5000]), 'damaged or no safetensors file'),
    (lambda path: path.write_bytes(b''), 'damaged or no safetensors file'),
])
def test_missing_or_damaged(weights, tmp_path, change, message):
    path = save_embedded(tmp_path / 'a.safetensors', weights=weights)
    change(path)
    with pytest.raises(UserError, match=message):
        EmbeddedFaceDetector(weights=path)


def test_other_safetensors_files(weights, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / 'a.safetensors'
    save_file(dict(a=torch.zeros(1)), str(path))
    with pytest.raises(UserError, match='does not describe itself'):
        EmbeddedFaceDetector(weights=path)
    save_file(dict(a=torch.zeros(1)), str(path),
              metadata=dict(config=json.dumps(rtmdet()), input_size='64'))
    with pytest.raises(UserError, match='another architecture.*missing.*1 unexpected'):
        EmbeddedFaceDetector(weights=path)
    save_file(dict(a=torch.zeros(1)), str(path), metadata=dict(config='[' * 100_000))
    with pytest.raises(UserError, match='does not describe itself'):
        EmbeddedFaceDetector(weights=path)


def test_a_package_without_its_weights(monkeypatch, tmp_path):
    assert WEIGHTS.parts[-4:] == ('ssfer_mm', 'faces', 'weights', 'face_detector.safetensors')
    from ssfer_mm.faces.detectors import embedded

    monkeypatch.setattr(embedded, 'WEIGHTS', tmp_path / 'gone.safetensors')
    with pytest.raises(UserError, match='install the package again'):
        EmbeddedFaceDetector()
