"""Scenes to train a detector on: the same every time, and their boxes are right."""
import cv2
import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.datasets.chapter_sampler import ChapterSampler
from ssfer_mm.datasets.face_cuts import FaceCut, is_held_out
from ssfer_mm.datasets.face_pasting import Pose, colorize, cut_out, paste_face
from ssfer_mm.datasets.face_scenes import FaceScenes, letterbox_pose
from ssfer_mm.faces.boxes import box_area, clip_boxes
from ssfer_mm.faces.detectors.letterbox import letterbox
from support.face_cuts import painted_face, write_cuts

CUT = FaceCut(np.zeros((60, 50, 3), np.uint8), (12., 8., 38., 47.), 'marked')


def marked(shape: str) -> FaceCut:
    """White where the face is, black elsewhere."""
    y, x = np.mgrid[:60, :50] + .5
    x1, y1, x2, y2 = CUT.box
    if shape == 'box':
        inside = (x > x1) & (x < x2) & (y > y1) & (y < y2)
    else:
        inside = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 < 1
    return FaceCut(np.repeat(255 * inside[..., None], 3, axis=2).astype(np.uint8), CUT.box, '')


def white_box(picture: np.ndarray) -> list:
    ys, xs = np.nonzero(picture[..., 0] > 127)
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


@pytest.mark.parametrize('pose, shape', [
    (Pose(80, 75, 1.), 'box'),
    (Pose(83.5, 71.25, 2.2), 'box'),
    (Pose(80, 75, 2., stretch=.7), 'box'),
    (Pose(60, 90, 1.5, flip=True), 'box'),
    (Pose(60, 90, .4, flip=True), 'box'),  # averaged before it is shrunk
    (Pose(80, 75, 2., angle=.5), 'ellipse'),
    (Pose(80, 75, 2., stretch=1.3, angle=-.4, flip=True), 'ellipse'),
    (Pose(80, 75, .5, angle=.3), 'ellipse'),
])
def test_the_box_is_where_the_face_is(pose, shape):
    picture = np.zeros((160, 160, 3), np.float32)
    box = paste_face(picture, marked(shape), np.ones((60, 50), np.float32), pose)
    # to a pixel of either the cut or the picture
    tolerance = max(1.01, .6 * pose.scale * pose.stretch)
    np.testing.assert_allclose(white_box(picture), box, atol=tolerance)


def test_a_face_may_reach_over_the_edge():
    picture = np.zeros((160, 160, 3), np.float32)
    box = paste_face(picture, marked('box'), np.ones((60, 50), np.float32), Pose(5, 150, 2.))
    np.testing.assert_allclose(box, (-21, 111, 31, 189))
    np.testing.assert_allclose(white_box(picture), (0, 111, 31, 160), atol=1.01)
    before = picture.copy()
    paste_face(picture, marked('box'), np.ones((60, 50), np.float32), Pose(-300, 0, 1.))
    np.testing.assert_array_equal(picture, before)


def test_a_mask_hides_and_mixes():
    picture = np.full((160, 160, 3), 100, np.float32)
    paste_face(picture, marked('box'), np.full((60, 50), .5, np.float32), Pose(80, 80, 1.))
    assert np.allclose(picture[80, 80], 177.5) and np.allclose(picture[5, 5], 100)
    for seed in range(20):
        mask = cut_out(np.random.default_rng(seed), CUT)
        assert mask.min() >= 0 and mask.max() <= 1 and mask[27, 25] > .5, 'the middle is seen'


@pytest.mark.parametrize('shape', [(40, 40), (40, 56), (61, 45)])
def test_crops_are_what_the_detectors_letterbox_makes_of_them(shape):
    image = cv2.resize(painted_face(), shape[::-1])
    cut = FaceCut(image, (3., 5., 30., 35.), '')
    picture = np.full((96, 96, 3), 114, np.float32)
    box = paste_face(picture, cut, np.ones(shape, np.float32), letterbox_pose(cut, 96))
    square, (fx, fy) = letterbox(image, 96)
    assert np.abs(picture - square).mean() < 2.5
    np.testing.assert_allclose(box, np.array(cut.box) * [fx, fy, fx, fy], atol=.6)


def test_a_mirrored_letterbox_is_the_letterbox_of_the_mirror_image():
    image = painted_face()[:, :33]
    cut = FaceCut(image, (8., 4., 34., 39.), '')
    mirror = FaceCut(image[:, ::-1], (33 - 34., 4., 33 - 8., 39.), '')
    pictures = [np.zeros((80, 80, 3), np.float32) for _ in range(2)]
    whole = np.ones(image.shape[:2], np.float32)
    boxes = [paste_face(pictures[0], cut, whole, letterbox_pose(cut, 80, flip=True)),
             paste_face(pictures[1], mirror, whole, letterbox_pose(mirror, 80))]
    np.testing.assert_allclose(*boxes)
    assert np.abs(pictures[0] - pictures[1]).max() < 1


def test_colors_keep_the_order_of_greys():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    image = colorize(np.random.default_rng(0), FaceCut(grey, (0, 0, 9, 9), '')).image
    assert (np.diff(image.sum(axis=2)[0]) >= 0).all() and np.ptp(image, axis=2).max() > 10


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return write_cuts(tmp_path_factory.mktemp('faces'), 40)


def scenes(data, **settings):
    return FaceScenes(*data, **{**dict(size=96, drawn=2, cache_dir=None), **settings})


def test_an_item_depends_on_seed_and_index_alone(data):
    one, other = scenes(data), scenes(data)
    later = [other.compose(k) for k in (5, 2, 0)][::-1]
    for k, (picture, boxes) in zip((0, 2, 5), later):
        np.testing.assert_array_equal(one.compose(k)[0], picture)
        np.testing.assert_array_equal(one.compose(k)[1], boxes)
    assert not np.array_equal(one.compose(0)[0], one.compose(1)[0])
    assert not np.array_equal(one.compose(0)[0], scenes(data, seed=1).compose(0)[0])


def test_faces_are_seen_and_apart(data):
    dataset, counts = scenes(data, crops=0.), []
    for k in range(60):
        picture, boxes = dataset.compose(k)
        assert picture.dtype == np.uint8 and picture.shape == (96, 96, 3)
        counts.append(len(boxes))
        assert (box_area(clip_boxes(boxes, (96, 96))) >= .69 * box_area(boxes)).all()
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
    assert 0 in counts and max(counts) >= 3


def test_half_of_the_items_are_crops_with_one_large_face(data):
    dataset = scenes(data, crops=1.)
    for k in range(20):
        boxes = dataset.compose(k)[1]
        assert len(boxes) == 1 and boxes[0, 3] - boxes[0, 1] > .4 * 96


def test_training_never_sees_the_held_out_faces(data, monkeypatch):
    seen = set()
    dataset = scenes(data, drawn=0)
    read = type(dataset.photos).__getitem__
    monkeypatch.setattr(type(dataset.photos), '__getitem__', lambda self, index: seen.add(
        (cut := read(self, index)).name) or cut)
    for k in range(40):
        dataset.compose(k)
    assert seen and not any(is_held_out(name) for name in seen)


def test_settings_are_checked(data):
    with pytest.raises(UserError, match=r'crops must be a number in \[0, 1\], got 1.5'):
        scenes(data, crops=1.5)


def test_chapters_go_on_where_the_last_one_ended():
    sampler = ChapterSampler(range(10), length=4)
    read = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        read += list(sampler)
        assert len(sampler) == 4
    assert read == [*range(10), 0, 1]
    resumed = ChapterSampler(range(10), length=4)
    resumed.set_epoch(2)
    assert list(resumed) == [8, 9, 0, 1]
