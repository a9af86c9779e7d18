"""Around ``cv2.FaceDetectorYN``: files, sizes and coordinates. OpenCV ships no weights."""
import cv2
import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.faces.detectors import YuNetFaceDetector
from support.detectors import noise


class FakeYuNet:
    """Answers with the right half of whatever it sees, and a worse and a weak box."""

    def __init__(self):
        self.sizes = []

    def setInputSize(self, size):
        self.size = tuple(size)
        self.sizes.append(self.size)

    def detect(self, image):
        assert image.shape[1::-1] == self.size, 'OpenCV refuses other sizes'
        if image.max() == 0:
            return 0, None
        width, height = self.size
        found = [([0, 0, 8, 8], 0.7), ([width / 2, 0, width / 2, height], 0.9), ([0, 0, 4, 4], 0.5)]
        return 1, np.array([box + [0] * 10 + [score] for box, score in found], np.float32)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    network = FakeYuNet()
    monkeypatch.setattr(cv2.FaceDetectorYN, 'create', lambda *args: network)
    (tmp_path / 'yunet.onnx').write_bytes(b'weights')
    return network, tmp_path / 'yunet.onnx'


def test_boxes_are_in_raw_pixels_best_first(fake):
    network, file = fake
    detector = YuNetFaceDetector(file, input_size=64)
    small, large, black = detector.detect(
        [*noise((32, 64), (100, 200)), np.zeros((64, 64, 3), np.uint8)])
    assert small.boxes.tolist() == [[32, 0, 64, 32], [0, 0, 8, 8]]
    assert small.scores.tolist() == pytest.approx([.9, .7]), 'the weak one is dropped'
    np.testing.assert_allclose(large.boxes, [[100, 0, 200, 100], [0, 0, 25, 25]])
    assert len(black) == 0
    assert network.sizes[1:] == [(64, 32), (64, 32), (64, 64)]


@pytest.mark.parametrize('doc', ['create(model, ...)', 'create(framework, bufferModel, ...)', None])
def test_no_name_of_a_file_is_left_to_an_opencv_that_takes_its_content(fake, monkeypatch, doc):
    network, file = fake
    file = file.rename(file.with_name('J\u00fcrgen.onnx'))
    given = []

    def create(*args):
        given.extend(args)
        return network

    create.__doc__ = doc
    monkeypatch.setattr(cv2.FaceDetectorYN, 'create', create)
    YuNetFaceDetector(file)
    if doc and 'bufferModel' in doc:
        framework, content, config, *rest = given
        assert (framework, content.tobytes(), len(config)) == ('onnx', b'weights', 0)
    else:
        name, config, *rest = given
        assert (name, config) == (str(file), '')
    assert rest == [(64, 64), 0.6, 0.3]


def test_description(fake):
    described = YuNetFaceDetector(fake[1], score_threshold=0.8).describe()
    assert len(described.pop('weights_sha256')) == 64
    assert described == dict(detector='yunet', weights='yunet.onnx', score_threshold=0.8,
                             nms_iou=0.3, input_size=320)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match='not found; .*face_detection_yunet'):
        YuNetFaceDetector(tmp_path / 'none.onnx')


def test_a_file_that_is_no_network(tmp_path, capfd):
    (tmp_path / 'a.onnx').write_bytes(b'no network')
    with pytest.raises(UserError, match=r'a\.onnx is not a YuNet that OpenCV') as error:
        YuNetFaceDetector(tmp_path / 'a.onnx')
    assert '\n' not in str(error.value)
