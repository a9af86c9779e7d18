"""Face crops are taken as they are, as in the test of a training."""
import numpy as np
import pytest
from mmengine.dataset import Compose

from ssfer_mm import UserError
from ssfer_mm.inference import FERInferencer
from ssfer_onnx import OnnxClassifier
from support.faces import CLASSES, MeanClassifier
from support.onnx_models import color_classifier


class Remembering:
    """Keeps the faces that it is given."""
    classes, input_size = CLASSES, (20, 14)

    def predict(self, faces):
        self.faces = list(faces)
        return np.full((len(faces), 3), 1 / 3)


def test_an_exported_model_answers_to_whole_images_as_it_does_alone(tmp_path):
    path = color_classifier(tmp_path / 'm.onnx', classes=['a', 'b', 'c', 'd'], input_size=[4, 6])
    rng = np.random.default_rng(0)
    faces = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((9, 40), (4, 6), (3, 3))]
    found = [list(result.faces[0].probabilities.values())
             for result in FERInferencer(path, 'whole')(faces)]
    np.testing.assert_allclose(found, OnnxClassifier(path).predict(faces), atol=1e-6)


@pytest.mark.parametrize('size', [(90, 60), (60, 90), (8, 13), (20, 14)], ids=str)
def test_whole_images_are_seen_as_in_the_test_of_a_training(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    test = Compose([dict(type='LoadFace'), dict(type='TrackedResize', scale=(14, 20))])
    seen = test(dict(img=image))['img']
    classifier = Remembering()
    inferencer = FERInferencer(classifier, 'whole')
    (loaded, result), = inferencer.stream([image])
    assert (classifier.faces[0] == seen).all() and result.faces[0].box == (0, 0, *size[::-1])
    assert (inferencer.crop(loaded, result.faces[0]) == seen).all()
    assert inferencer.crop(loaded, result.faces[0], 30).shape == (30, 30, 3)


def test_whole_images_have_no_margin():
    with pytest.raises(UserError, match='^--margin 0.1 is .*; --detector whole takes'):
        FERInferencer(MeanClassifier(), 'whole', margin=0.1)
