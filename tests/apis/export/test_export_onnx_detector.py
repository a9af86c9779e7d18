"""The exported detector finds the faces that the embedded one finds."""
import json

import numpy as np
import onnx
import pytest
import torch
from packaging.version import Version

from ssfer_mm.apis.export.export_onnx_detector import main
from ssfer_mm.faces.detectors import EmbeddedFaceDetector
from ssfer_onnx import OnnxFaceDetector
from support.detectors import noise, save_embedded

pytestmark = pytest.mark.skipif(
    Version(torch.__version__) < Version('2.7'),
    reason='torch 2.6 cannot write batch normalization as ONNX with the newest onnxscript')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    weights = save_embedded(folder / 'w.safetensors', input_size=96)
    target = folder / 'face_detector.onnx'
    assert main([str(target), '--weights', str(weights)]) == 0
    return weights, target


def test_finds_the_same_faces(files):
    weights, target = files
    images = noise((96, 96), (70, 120), (200, 90), seed=3)
    expected = EmbeddedFaceDetector(weights=weights, score_threshold=0.3).detect(images)
    found = OnnxFaceDetector(target, score_threshold=0.3, batch_size=2).detect(images)
    assert sum(len(faces) for faces in expected) > 20, 'nothing to compare'
    for theirs, ours in zip(expected, found):
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)
        np.testing.assert_allclose(ours.boxes, theirs.boxes, rtol=1e-3, atol=0.05)


def test_crowds_are_those_of_the_embedded_one(files):
    """Not the hundred faces per image at which its stored config ends."""
    weights, target = files
    settings = dict(score_threshold=0.001, nms_iou=0.9)
    image = noise((96, 96), seed=3)
    expected = EmbeddedFaceDetector(weights=weights, **settings).detect(image)[0]
    found = OnnxFaceDetector(target, **settings).detect(image)[0]
    assert len(found.scores) == len(expected) > 100


def test_says_what_it_is_and_is_not_replaced_unasked(files, capsys):
    weights, target = files
    facts = {entry.key: json.loads(entry.value) for entry in onnx.load(target).metadata_props}
    assert facts['input_size'] == 96 and 'BGR' in facts['input']
    before = target.read_bytes()
    assert main([str(target), '--weights', str(weights)]) == 2
    assert '--force' in capsys.readouterr().err and target.read_bytes() == before
    assert sorted(file.name for file in target.parent.iterdir()) == [
        'face_detector.onnx', 'w.safetensors'], 'nothing half-written'


@pytest.mark.parametrize('size', ['0', '-5'])
def test_a_size_that_cannot_be(tmp_path, capsys, size):
    assert main([str(tmp_path / 'face_detector.onnx'), '--input-size', size]) == 2
    assert f'--input-size {size}: expected pixels' in capsys.readouterr().err
