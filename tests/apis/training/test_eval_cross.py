"""A model of some classes on data of others."""
import json

import numpy as np
import pytest

from ssfer_mm.apis.training import eval_cross
from ssfer_mm.datasets import FERDataset, Sample
from ssfer_mm.errors import UserError

# What the model will answer is painted into the images: grey levels are its class numbers.
MODEL = ('anger', 'joy', 'contempt', 'fear')
FACES = [('fear', 3), ('fear', 0), ('anger', 0), ('anger', 2), ('boredom', 1), ('joy', 1)]


class Painted(FERDataset):
    METAINFO: dict = dict(dataset_name='Painted', classes=('fear', 'boredom', 'joy', 'anger'))

    def load_samples(self):
        return [Sample(id=str(i), label=self.metainfo['classes'].index(name),
                       image=np.full((8, 8, 3), answer, np.uint8))
                for i, (name, answer) in enumerate(FACES)]


class Reader:
    """Says the class that is painted, with anger as its second choice."""
    classes, input_size = MODEL, (8, 8)

    def predict(self, faces):
        rows = np.full((len(faces), len(MODEL)), .1)
        rows[:, 0] = .2
        rows[np.arange(len(faces)), [int(face.flat[0]) for face in faces]] = .7
        return rows / rows.sum(axis=1, keepdims=True)


def test_classes_are_matched_by_name():
    result = eval_cross.evaluate(Reader(), Painted(None), batch_size=2)
    assert result['classes'] == ['fear', 'joy', 'anger']
    assert (result['images'], result['left_out']) == (5, 1)
    # The second anger is taken for contempt, which the data lack, and then for anger.
    assert result['recall'] == {'fear': 50, 'joy': 100, 'anger': 100}
    assert result['accuracy'] == pytest.approx(80) and result['elsewhere'] == pytest.approx(20)
    assert result['mean_class_accuracy'] == pytest.approx(250 / 3)
    assert result['counts'] == dict(fear=2, joy=1, anger=2)
    assert result['confusion'] == [[1, 0, 1], [0, 1, 0], [0, 0, 2]]


class NoFace:
    """Finds the faces of bright images only; the second is the larger one, and elsewhere."""

    def detect(self, images):
        from ssfer_mm.inference.whole_image import OneFace

        boxes = np.array([[0, 0, 2, 2], [0, 0, 8, 8]], np.float32)
        return [OneFace(*(a[:2 if image.max() > 1 else 0] for a in (boxes, np.ones(2))))
                for image in images]

    def describe(self):
        return {}


def test_images_without_a_face_are_used_whole_and_counted():
    result = eval_cross.evaluate(Reader(), Painted(None), detector=NoFace())
    assert result['without_face'] == 3 and result['accuracy'] == pytest.approx(80)


def test_without_common_classes_there_is_no_test():
    class Other(Reader):
        classes = ('a', 'b', 'c', 'fear')

    with pytest.raises(UserError, match='they share 1 classes'):
        eval_cross.evaluate(Other(), Painted(None))


@pytest.mark.parametrize('name, classes', [('SynthFER', 8), ('AffectNet7', 7), ('AffectNet8', 8)])
def test_every_name_that_messages_list_is_taken(name, classes, monkeypatch):
    def seen(model, data, *_):
        raise UserError(f'{data.name}, {len(data.metainfo["classes"])} classes')

    monkeypatch.setattr(FERDataset, 'full_init', lambda self: None)
    monkeypatch.setattr(eval_cross, 'evaluate', seen)
    with pytest.raises(UserError, match=f'^{name}, {classes} classes$'):
        eval_cross.main(['model', '--data', name])


def test_messages_name_the_options_of_this_tool(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    for root, told in ((['nowhere'], "'nowhere' does not exist.*set --data-root to the folder"),
                       (['empty'], 'Point --data-root at'), ([], 'set --data-root to')):
        with pytest.raises(UserError, match=told):
            eval_cross.main(['model', '--data', 'RAFDB', *[f'--data-root={x}' for x in root]])
    (tmp_path / 'note.txt').write_text('words')
    with pytest.raises(UserError, match='^the model note.txt: the torch back-end takes a file'):
        eval_cross.evaluate('note.txt', Painted(None))


def test_the_command_writes_what_it_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(eval_cross, 'build_labeled', lambda cfg, _: Painted(None))
    monkeypatch.setattr(eval_cross, 'evaluate', lambda *_: dict(
        images=5, left_out=1, accuracy=80., mean_class_accuracy=75., elsewhere=20.,
        recall=dict(fear=50.), counts=dict(fear=2), classes=['fear'], without_face=0,
        detector='whole', confusion=[[1]]))
    out = tmp_path / 'new' / 'x.json'
    eval_cross.main(['work_dirs/run/classifier_semi.pth', '--out', str(out)])
    result = json.loads(out.read_text())
    assert result['title'] == 'run' and '--out' in result['command']
    assert 'accuracy 80.00 %' in capsys.readouterr().out
