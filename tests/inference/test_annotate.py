"""What is written into pictures."""
import numpy as np
import pytest

from ssfer_mm.inference import annotate
from ssfer_mm.inference.results import FaceResult, ImageResult
from support.faces import scene


@pytest.mark.parametrize('name, drawn', [
    ('glücklich', 'glucklich'), ('großer Ärger', 'grosser Arger'), ('ZŁOŚĆ', 'ZLOSC'),
    ('怒り', '??'), ('anger 5%', 'anger 5%')])
def test_opencv_is_given_only_letters_that_it_can_draw(monkeypatch, name, drawn):
    written, put_text, text_size = [], annotate.cv2.putText, annotate.cv2.getTextSize
    monkeypatch.setattr(annotate.cv2, 'putText', lambda canvas, text, *rest: written.append(text)
                        or put_text(canvas, text, *rest))
    monkeypatch.setattr(annotate.cv2, 'getTextSize', lambda text, *rest: written.append(text)
                        or text_size(text, *rest))
    face = FaceResult((20, 10, 64, 54), 1., {name: 1.})
    annotate.draw_result(scene(size=(200, 220)), ImageResult('a', 'ok', (face,), (220, 200)))
    assert written == [f'{drawn} 100%'] * 2


def texts(monkeypatch):
    """What is drawn from now on: (line, scale) each."""
    drawn, put_text = [], annotate.cv2.putText
    monkeypatch.setattr(annotate.cv2, 'putText',
                        lambda canvas, text, place, font, scale, *rest: drawn.append((text, scale))
                        or put_text(canvas, text, place, font, scale, *rest))
    return drawn


SHARES = dict(happiness=0.75, neutral=0.15, sadness=0.1)


def test_in_a_crowd_nobody_is_hidden_by_the_writing_about_another(monkeypatch):
    drawn = texts(monkeypatch)
    faces = [FaceResult((x, y, x + 90, y + 100), 1., SHARES)
             for y in range(10, 760, 125) for x in range(10, 1260, 125)]
    picture = np.zeros((900, 1270, 3), np.uint8)
    result = annotate.draw_result(picture, ImageResult('a', 'ok', tuple(faces), (1270, 900)))
    assert sum(text == 'happiness 75%' for text, _ in drawn) == len(faces)
    for face in faces:
        x1, y1, x2, y2 = map(int, face.box)
        # Its own writing may cover the lowest quarter; the rest stays as it was.
        assert not result[y1 + 4:y2 - 26, x1 + 4:x2 - 4].any()


@pytest.mark.parametrize('size, lines', [(224, 3), (1000, 3), (48, 1)])
def test_of_a_face_that_fills_the_picture_as_much_as_has_room(monkeypatch, size, lines):
    drawn = texts(monkeypatch)
    face = FaceResult((0, 0, size, size), 1., SHARES)
    annotate.draw_result(np.zeros((size, size, 3), np.uint8),
                         ImageResult('a', 'ok', (face,), (size, size)))
    assert [text for text, _ in drawn] == ['happiness 75%', 'neutral 15%', 'sadness 10%'][:lines]


def test_faces_outside_and_of_no_size_and_of_no_class_can_be_drawn():
    picture = np.zeros((40, 60, 3), np.uint8)
    for box in ((-500, -500, -400, -400), (900, 900, 1000, 1000), (5, 5, 5, 5), (50, 10, 70, 60)):
        for shares in (SHARES, dict.fromkeys(SHARES, 0.0)):
            face = FaceResult(box, 1., shares)
            result = annotate.draw_result(picture, ImageResult('a', 'ok', (face,), (60, 40)))
            assert result.shape == picture.shape


@pytest.mark.parametrize('size, drawn', [
    ((48, 48), (192, 192)), ((10, 70), (30, 210)), ((192, 20), (192, 20)), ((1, 1), (192, 192))])
def test_a_picture_too_small_for_words_is_enlarged(size, drawn):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    large = annotate.legible(image)
    times = drawn[0] // size[0]
    assert large.shape == (*drawn, 3) and (large[::times, ::times] == image).all()
