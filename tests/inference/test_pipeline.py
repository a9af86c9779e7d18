"""How closely photos are looked at, and from which of their pixels faces are cut."""
from types import SimpleNamespace

import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.inference.clock import Clock
from ssfer_mm.inference.loading import Loaded
from ssfer_mm.inference.pipeline import FacePipeline

SEEN = np.zeros((30, 40, 3), np.uint8)


def pipeline(sees=640, takes=(12, 10), margin=0., boxes=()):
    """Of a detector that prepares images, and finds these boxes in each."""
    found = SimpleNamespace(boxes=np.array(boxes, np.float32), scores=np.ones(len(boxes)))
    detector = SimpleNamespace(input_size=sees, prepare=lambda pixels: pixels.shape,
                               detect_prepared=lambda prepared: [found] * len(prepared))
    return FacePipeline(detector, SimpleNamespace(input_size=takes, classes=('joy', )), margin,
                        Clock())


@pytest.mark.parametrize('takes, enough', [((48, 48), 1280), ((40, 48), 1280), ((50, 40), 1334)])
def test_a_photo_is_large_enough_where_the_smallest_face_fills_a_crop(takes, enough):
    assert pipeline(640, takes).enough == enough


def test_what_is_unreadable_is_not_prepared():
    unreadable, image = Loaded('a', problem='damaged'), Loaded('b', SEEN)
    assert pipeline().prepare(unreadable) is unreadable
    assert pipeline().prepare(image).prepared == SEEN.shape


@pytest.mark.parametrize('margin, small', [(0., True), (.25, False)])
def test_small_faces_alone_are_cut_from_the_file(margin, small):
    """8 of the 12 pixels that the classifier takes, and with their margin 12."""
    image = Loaded('a', SEEN, size=(80, 60), file='gone.jpg')
    faces, (large, face) = pipeline(margin=margin), [((0., 0., 40., 40.), 1.),
                                                    ((16., 16., 32., 32.), 1.)]
    assert faces.crops(image, [large])[0].shape == (12, 12, 3)
    if not small:
        assert len(faces.crops(image, [large, face])) == 2
        return
    with pytest.raises(UserError, match='gone.jpg'):
        faces.crops(image, [large, face])


def test_a_reduced_photo_may_have_other_proportions(tmp_path):
    image = Loaded('a', SEEN, size=(80, 90))
    assert image.scale == (2, 3)
    faces = pipeline(boxes=[(10, 10, 20, 20)])
    (box, score), = faces.find([faces.prepare(image)])[0]
    assert box == (20, 30, 40, 60) and score == 1
    pixels = SEEN.copy()
    pixels[10:20, 10:20] = 255
    assert (faces.crop(Loaded('a', pixels, size=(80, 90)), box, 10) == 255).all()
