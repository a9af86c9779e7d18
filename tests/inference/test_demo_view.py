"""What the page shows, without a page."""
import cv2
import numpy as np
import pytest

from ssfer_mm.inference import FERInferencer
from ssfer_mm.inference.demo_view import (
    EXAMPLES,
    PORTRAIT,
    Seen,
    draw_evidence,
    draw_examples,
    look,
)
from ssfer_mm.inference.results import FaceResult
from support.faces import BlobDetector, MeanClassifier, scene


@pytest.fixture
def inferencer():
    return FERInferencer(MeanClassifier(), BlobDetector())


def save(path, image):
    cv2.imwrite(str(path), image)
    return str(path)


def test_faces_from_left_to_right_with_what_is_needed_to_show_them(inferencer, tmp_path):
    seen = look(inferencer, save(tmp_path / 'a.png', scene((50, 5, 20), (10, 30, 10))))
    assert [face.box for face in seen.faces] == [(10, 30, 20, 40), (50, 5, 70, 25)]
    assert seen.names == ['1: anger', '2: anger'] and '2 faces' in seen.status
    assert [crop.shape for crop in seen.crops] == [(12, 12, 3)] * 2
    assert [portrait.shape for portrait in seen.portraits] == [(PORTRAIT, PORTRAIT, 3)] * 2
    assert seen.picture.shape == (360, 480, 3), 'small pictures are enlarged'


def test_a_click_finds_the_face(inferencer, tmp_path):
    seen = look(inferencer, save(tmp_path / 'a.png', scene((50, 5, 20), (10, 30, 10))))
    assert seen.face_at(6 * 15, 6 * 35) == 0 and seen.face_at(6 * 60, 6 * 15) == 1
    assert seen.face_at(6 * 40, 6 * 35) is None


def test_of_faces_in_front_of_each_other_the_smallest_is_meant():
    near, far = (FaceResult(box, 1., dict(joy=1.)) for box in ((0, 0, 80, 80), (60, 40, 90, 70)))
    for faces in ((near, far), (far, near)):
        seen = Seen('', faces=faces)
        assert faces[seen.face_at(60, 70)] is far and faces[seen.face_at(59, 70)] is near


def test_big_pictures_are_reduced_and_clicks_still_fit(inferencer, tmp_path):
    image = cv2.resize(scene((20, 20, 30)), (1600, 1200), interpolation=cv2.INTER_NEAREST)
    seen = look(inferencer, save(tmp_path / 'a.png', image))
    assert seen.picture.shape == (960, 1280, 3) and seen.scale == 0.8
    assert seen.face_at(16 * 35, 16 * 35) == 0 and seen.face_at(16 * 10, 16 * 35) is None


def test_no_face_and_no_image_are_answers(inferencer, tmp_path):
    seen = look(inferencer, save(tmp_path / 'a.png', scene()))
    assert seen.status.startswith('**No face found.**') and seen.picture is not None
    (tmp_path / 'b.png').write_text('no image')
    seen = look(inferencer, str(tmp_path / 'b.png'))
    assert 'cannot be read' in seen.status and seen.picture is None
    assert "'b.png'" in seen.status and str(tmp_path) not in seen.status
    assert not seen.names


def test_the_brightest_part_is_where_the_evidence_is():
    evidence = np.zeros((4, 4), np.float32)
    evidence[3, 1] = 1
    drawn = draw_evidence(np.full((64, 64, 3), 100, np.uint8), evidence).astype(int)
    red_over_blue = drawn[..., 0] - drawn[..., 2]
    y, x = np.unravel_index(red_over_blue.argmax(), red_over_blue.shape)
    assert 48 <= y < 64 and 16 <= x < 32 and red_over_blue.max() > 80
    assert np.ptp(drawn[:24], axis=2).max() < 12, 'grey elsewhere'


def test_examples_are_drawn(tmp_path, monkeypatch):
    # As below a folder with a name that OpenCV does not understand, on Windows.
    monkeypatch.setattr(cv2, 'imwrite', lambda *args: False)
    paths = draw_examples(tmp_path)
    assert [path.stem for path in paths] == [name for _, name in EXAMPLES] + ['group']
    assert cv2.imread(str(paths[-1])).shape == (512, 512, 3)
