"""What is written into pictures."""
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
