"""Names, dicts and config files that stand for a detector; and the one that ships."""
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from mmengine.config import Config

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import FixedBoxDetector, build_detector
from ssfer_mm.faces.detectors.mmdet_model import build_model
from ssfer_mm.files.download import hash_in_name
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.synthfer import SynthFERGenerator
from support.detectors import noise, rtmdet
from support.shrink import REPO

READY_MADE = 'configs/face_detectors/yolox-s_coco-face.py'


def test_names_dicts_files_and_detectors(tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text("detector = dict(type='FixedBoxDetector', box=(1, 2, 3, 4), size=8)\n")
    assert build_detector('fixed').name == 'fixed'
    assert build_detector(dict(type='FixedBoxDetector', size=96)).size == 96
    assert build_detector(str(file)).box.tolist() == [1, 2, 3, 4]
    detector = FixedBoxDetector()
    assert build_detector(detector) is detector
    settings = dict(type='FixedBoxDetector')
    build_detector(settings)
    assert settings == dict(type='FixedBoxDetector'), 'the dict can be used again'


@pytest.mark.parametrize('cfg, message', [
    ('yolo', "no face detector is called 'yolo'; use 'embedded', 'fixed', 'yunet:FILE.onnx'"),
    ('yunet', "'yunet:FILE.onnx'"),
    ('yunet:', "'yunet:FILE.onnx'"),
    ('yunet:nowhere.onnx', 'YuNet weights nowhere.onnx not found'),
    ('nowhere.py', 'Config nowhere.py not found'),
    (dict(type='NoDetector'), "called 'NoDetector'; use one of: .*EmbeddedFaceDetector"),
    (dict(size=3), 'called None'),
    (dict(type='AccuracyOfSomething'), 'no face detector'),
    (dict(type='FixedBoxDetector', sise=3), "FixedBoxDetector: .*'sise'; its settings are box, s"),
])
def test_what_is_no_detector(cfg, message):
    with pytest.raises(UserError, match=message):
        build_detector(cfg)


@pytest.mark.parametrize('text, message', [
    ('x = 1', r'holds no detector = dict\(type=...\)$'),
    (f'model = {rtmdet()!r}', "write a file with detector = dict.type='MMDetFaceDetector'"),
    ('detector = dict(', 'cannot be read'),
])
def test_config_files_without_a_detector(tmp_path, text, message):
    (tmp_path / 'a.py').write_text(text)
    with pytest.raises(UserError, match=message):
        build_detector(str(tmp_path / 'a.py'))


def test_ready_made_config_names_what_mmpose_publishes():
    detector = Config.fromfile(REPO / READY_MADE).detector
    assert detector.checkpoint == ('https://download.openmmlab.com/mmpose/mmdet_pretrained/'
                                   'yolo-x_8xb8-300e_coco-face_13274d7c.pth')
    assert hash_in_name(detector.checkpoint) == '13274d7c'


def test_ready_made_config_is_mmdets_yolox_s_with_one_class(tmp_path, monkeypatch):
    """From a server to boxes, with random weights of the architecture."""
    pytest.importorskip('mmdet')
    settings = Config.fromfile(REPO / READY_MADE).detector.to_dict()
    model = build_model(settings['config']['model'], 'a test')
    # Nothing but the classes differs from the 8.97 million of YOLOX-s for COCO.
    assert sum(p.numel() for p in model.parameters()) == 8_968_255 - 79 * 129 * 3
    model.backbone.stem.conv.conv.weight.data *= 1e-5  # untrained, it overflows
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'a.pth')
    name = f'yolo-x_{sha256_of(tmp_path / "a.pth")[:8]}.pth'
    (tmp_path / 'a.pth').rename(tmp_path / name)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))

    class Quiet(SimpleHTTPRequestHandler):

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings['checkpoint'] = f'http://127.0.0.1:{server.server_port}/{name}'
        detector = build_detector(dict(settings, score_threshold=0.0))
    finally:
        server.shutdown()
        server.server_close()
    shutil.rmtree(tmp_path / 'home')
    (faces, ) = detector.detect(noise((40, 60)))
    assert len(faces) > 0
    assert detector.describe() == dict(
        detector='mmdet:yolox', weights=name, weights_sha256=detector.sha256, score_threshold=0.0,
        nms_iou=0.65, input_size=640)


def test_the_ready_made_448px_finds_faces_that_the_detector_by_itself_is_too_coarse_for():
    generator = SynthFERGenerator(size=72, difficulty=0.)
    photo = np.full((720, 1280, 3), 160, np.uint8)
    for place in range(8):
        row, column = divmod(place, 4)
        photo[row * 300 + 100:row * 300 + 172, column * 300 + 100:column * 300 + 172] = (
            generator.item('test', place).image[..., ::-1])
    ready_made = str(REPO / 'configs/face_detectors/embedded_448px.py')
    large = build_detector(ready_made).detect([photo])[0]
    assert len(large.boxes) >= 6
    assert len(build_detector('embedded').detect([photo])[0].boxes) <= 2
