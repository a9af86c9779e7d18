"""Every kind of input, results in the pixels of the original, and batches of bounded size."""
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS
from PIL import Image

from ssfer_mm import UserError
from ssfer_mm.inference import FERInferencer, annotate, loading
from ssfer_mm.inference.inferencer import MARGIN
from ssfer_mm.inference.loading import in_batches, load
from ssfer_mm.model_files.classifier import build_classifier, probabilities, resize_faces
from ssfer_mm.model_files.described import describe
from support.faces import CLASSES, BlobDetector, MeanClassifier, scene
from support.models import MEAN, STD, vit


@pytest.fixture
def inferencer():
    return FERInferencer(MeanClassifier(), BlobDetector(), batch_size=4, margin=0)


def test_boxes_scores_and_named_probabilities(inferencer):
    result, = inferencer(scene((10, 20, 16), (50, 5, 10)))
    assert (result.status, result.size) == ('ok', (80, 60))
    assert [face.box for face in result.faces] == [(10, 20, 26, 36), (50, 5, 60, 15)]
    assert [face.score for face in result.faces] == pytest.approx([256 / 4800, 100 / 4800])
    assert result.faces[0].probabilities == pytest.approx(dict(happiness=0, anger=.9, neutral=.1))
    assert result.faces[0].label == 'anger' and result.faces[0].top(2)[1][0] == 'neutral'
    assert result.to_dict()['faces'][1]['box'] == [50, 5, 60, 15]


def test_every_kind_of_image(inferencer, tmp_path):
    image = scene((10, 20, 16))
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    (tmp_path / 'folder' / 'deep').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'folder/deep/b.png'), image)
    (tmp_path / 'folder' / 'bad.jpg').write_text('no image')
    pil = Image.fromarray(image[..., ::-1].copy())
    results = inferencer([str(tmp_path / 'a.png'), image, pil, pil.convert('RGBA'),
                          tmp_path / 'folder', scene(), np.zeros((9, 9), np.uint8),
                          np.zeros((4, 4), float)])
    names = ['a.png', 'image 1', 'image 2', 'image 3', 'folder/bad.jpg', 'folder/deep/b.png',
             'image 6', 'image 7', 'image 8']
    assert [result.source.removeprefix(f'{tmp_path}/') for result in results] == names
    found = [result.faces[0].box if result.faces else result.status.split(':')[0]
             for result in results]
    box = (10, 20, 26, 36)
    assert found == [box] * 4 + ['unreadable', box, 'no face', 'no face', 'unreadable']
    assert 'bad.jpg' in results[4].status and 'float64' in results[8].status


def test_flip_averages_a_face_and_its_mirror_image():
    class LeftHalf(MeanClassifier):
        """Happy as far as the left half is bright."""

        def predict(self, faces):
            happy = np.array([face[:, :face.shape[1] // 2].mean() / 255 for face in faces])
            return np.stack([happy, 1 - happy, 0 * happy], axis=1)

    face = np.zeros((8, 8, 3), np.uint8)
    face[:, :4] = 255
    rows = [FERInferencer(LeftHalf(), 'whole', flip=flip).classify_whole([face, face[:, ::-1]])
            for flip in (False, True)]
    assert rows[0][:, 0].tolist() == [1, 0] and rows[1][:, 0].tolist() == [.5, .5]


def test_batches_and_generators_are_several_images(inferencer, tmp_path):
    images = [scene((10, 20, 16)), scene(), scene((50, 5, 10))]
    for given in (np.stack(images), iter(images), tuple(images)):
        assert [len(result.faces) for result in inferencer(given)] == [1, 0, 1]
    (tmp_path / 'film.MOV').write_bytes(b'?')
    with pytest.raises(UserError, match='film.MOV is not an image: use .*predict_video'):
        inferencer(tmp_path / 'film.MOV')


def test_faces_of_several_images_are_classified_together(inferencer):
    detector, classifier = inferencer._pipeline.detector, inferencer._pipeline.classifier
    inferencer([scene((5, 5, 10), (30, 30, 12)), scene(), scene((8, 8, 9))] * 2)
    assert detector.batches == [4, 2] and classifier.batches == [5, 1]
    inferencer(scene())
    assert len(classifier.batches) == 2, 'nothing to classify'


def test_few_pixels_at_a_time():
    images = [load(np.zeros((10, 10, 3), np.uint8), k) for k in range(5)]
    assert [len(batch) for batch in in_batches(images, 3)] == [3, 2]
    assert [len(batch) for batch in in_batches(images, 3, pixels=200)] == [2, 2, 1]
    assert [len(batch) for batch in in_batches(images, 3, pixels=50)] == [1] * 5
    assert [len(batch) for batch in in_batches(images * 3, 4, first=1)] == [1, 2, 4, 4, 4]


def test_a_full_batch_does_not_wait_for_the_next_picture():
    images = iter([load(np.zeros((10, 10, 3), np.uint8), k) for k in range(3)])
    assert len(next(in_batches(images, 2))) == 2 and len(list(images)) == 1


def test_faces_are_cut_out_while_the_next_ones_are_found():
    """Of each batch the classifier gets its faces only after the next one was looked at."""
    order = []

    class Detecting(BlobDetector):
        def detect(self, images):
            order.append('detect')
            return super().detect(images)

    class Naming(MeanClassifier):
        def predict(self, faces):
            order.append('name')
            return super().predict(faces)

    inferencer = FERInferencer(Naming(), Detecting(), batch_size=2)
    results = inferencer([scene((5 + k, 5, 10)) for k in range(6)])
    assert order == ['detect', 'detect', 'name', 'detect', 'name', 'name']
    assert [result.faces[0].box[0] for result in results] == [5, 6, 7, 8, 9, 10]
    order.clear()
    assert len(list(inferencer.stream([scene((5, 5, 10))] * 4, 2, ahead=False))) == 4
    assert order == ['detect', 'name'] * 2, 'where answers are wanted at once'


@pytest.mark.parametrize('write', [str, Path, lambda path: f'~/{path.name}'],
                         ids=['text', 'path', 'home'])
def test_huge_photos_are_reduced_and_boxes_are_not(inferencer, tmp_path, monkeypatch, write):
    monkeypatch.setattr(loading, 'MAX_PIXELS', 60 * 80 // 4)
    monkeypatch.setenv('HOME', str(tmp_path))
    cv2.imwrite(str(tmp_path / 'a.png'), scene((16, 24, 32)))
    path = write(tmp_path / 'a.png')
    result, = inferencer(path)
    (loaded, streamed), = inferencer.stream([path])
    assert (loaded.name, streamed) == (str(path), result)
    assert result.size == (80, 60)
    assert result.faces[0].box == pytest.approx((16, 24, 48, 56), abs=2)
    drawn = inferencer.visualize(path, result)
    assert drawn.shape[:2] == (5 * 30, 5 * 40), 'enlarged for words'


def test_visualize_draws_on_a_copy(inferencer):
    image = scene((30, 10, 20), size=(200, 200))
    before = image.copy()
    result, = inferencer(image)
    drawn = inferencer.visualize(image, result)
    assert (image == before).all() and drawn.shape == image.shape
    changed = np.argwhere((drawn != image).any(axis=2))
    assert changed[:, 0].min() <= 10 and changed[:, 0].max() > 30 + 5, 'box, and a plate below'
    small = scene(size=(60, 80))
    drawn = inferencer.visualize(small, inferencer(small)[0])
    assert drawn.shape == (180, 240, 3) and (drawn[::3, ::3] == small).all(), 'room for words'
    with pytest.raises(UserError, match='float64'):
        inferencer.visualize(np.zeros((4, 4)), result)


@pytest.mark.parametrize('y, plate', [(10, 'below'), (150, 'above'), (0, 'inside')])
def test_what_is_written_does_not_cover_a_face_unless_it_must(inferencer, y, plate):
    side = 200 if plate == 'inside' else 44
    image = scene((20, y, side), size=(200, 220))
    result, = inferencer(image)
    drawn = inferencer.visualize(image, result)
    changed = (drawn != image).any(axis=2)
    inner = changed[y + 4:y + side - 4, 24:16 + side]
    assert inner.any() == (plate == 'inside')
    rows = np.flatnonzero(changed.any(axis=1))
    assert (rows[0] < y - 4) == (plate == 'above')
    assert (rows[-1] > y + side + 4) == (plate == 'below')


def test_plates_cover_neither_each_other_nor_other_faces(inferencer):
    """The lower face has no room below, and the upper one's plate above."""
    image = scene((60, 20, 44), (60, 150, 49), size=(200, 220))
    result, = inferencer(image)
    drawn = inferencer.visualize(image, result)
    changed = (drawn != image).any(axis=2)
    assert not changed[24:60, 64:100].any() and not changed[154:195, 64:104].any(), 'both are seen'
    for face in result.faces:  # alone, each would be written in the same place
        alone = inferencer.visualize(image, replace(result, faces=(face,)))
        written = (alone != image).any(axis=2)
        assert (drawn[written] == alone[written]).all()


def test_shares_that_round_to_nothing_are_not_written(inferencer, monkeypatch):
    written = []
    monkeypatch.setattr(annotate.cv2, 'putText', lambda canvas, text, *rest: written.append(text))
    image = scene((20, 10, 44), size=(200, 220))
    result, = inferencer(image)
    inferencer.visualize(image, result)
    assert written == ['anger 90%', 'neutral 10%']
    inferencer.visualize(image, replace(result, faces=(replace(result.faces[0], track=3),)), top=1)
    assert written[2:] == ['#3 anger 90%']


class Wrong(MeanClassifier):

    def predict(self, faces):
        return super().predict(faces)[:, :2]


class Diverged(MeanClassifier):

    def predict(self, faces):
        return super().predict(faces) * [1, np.nan, 1]


@pytest.mark.parametrize('classifier, words', [
    (Wrong(), '2 probabilities.* 3 classes'), (Diverged(), 'not numbers')])
def test_classifiers_that_cannot_be_believed(classifier, words):
    with pytest.raises(UserError, match=words):
        FERInferencer(classifier, BlobDetector())(scene((5, 5, 10)))


def test_an_exported_model_has_no_maps(inferencer):
    assert not inferencer.explains
    with pytest.raises(UserError, match='no gradients.* use the checkpoint that it was exported'):
        inferencer.explain([], [])


@pytest.mark.parametrize('shown', [False, True])
def test_a_bar_is_shown_where_it_is_wanted(inferencer, capsys, shown):
    inferencer([scene()], show_progress=shown)
    assert bool(capsys.readouterr().err) == shown


def test_paths_that_cannot_be_used(inferencer, tmp_path):
    with pytest.raises(UserError, match='does not exist'):
        inferencer(str(tmp_path / 'none.jpg'))
    with pytest.raises(UserError, match='holds no images'):
        inferencer(tmp_path)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    config = vit(num_classes=3)
    config['data_preprocessor'] = dict(type='ClsDataPreprocessor', mean=MEAN, std=STD,
                                       num_classes=3, to_rgb=True)
    model = MODELS.build(config)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    meta = dict(format='ssfer_mm model 1', model=config, input_size=[16, 16],
                dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


def test_a_checkpoint_predicts_what_mmpretrain_predicts(checkpoint):
    rng = np.random.default_rng(0)
    sizes = ((16, 16), (40, 40), (12, 12), (50, 31), (16, 30))
    faces = [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    inferencer = FERInferencer(checkpoint, 'whole', batch_size=2)
    found = [list(result.faces[0].probabilities.values()) for result in inferencer(faces)]
    described = describe(checkpoint)
    expected = probabilities(build_classifier(described), resize_faces(faces, described))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert inferencer.classes == CLASSES
    assert 0 < inferencer.clock.networks <= inferencer.clock.stages['classification']


def test_checkpoint_with_another_number_of_classes(checkpoint):
    with pytest.raises(UserError, match='7 classes, but the head has 3'):
        FERInferencer(checkpoint, 'whole', dataset='rafdb')
    with pytest.raises(UserError, match='--device cuda:99'):
        FERInferencer(checkpoint, 'whole', device='cuda:99')


class Letterboxing(BlobDetector):
    """Sees images at 40 pixels, in threads of its own."""
    input_size = 40

    def prepare(self, image):
        return image

    def detect_prepared(self, images):
        return self.detect(images)


class Remembering(MeanClassifier):

    def predict(self, faces):
        self.faces = list(faces)
        return super().predict(faces)


def test_large_jpegs_are_looked_at_reduced_but_small_faces_are_cut_from_the_whole(tmp_path):
    # The classifier takes 12 px, so 40 * 12 / 24 = 20 px are enough: 320 px are read at an eighth.
    photo = scene((64, 32, 128), size=(240, 320))
    cv2.imwrite(str(tmp_path / 'near.jpg'), photo)
    cv2.imwrite(str(tmp_path / 'far.jpg'), scene((64, 32, 64), size=(240, 320)))
    seen, classifier = [], Remembering()
    detector = Letterboxing()
    detector.prepare = lambda image: seen.append(image.shape[:2]) or image
    inferencer = FERInferencer(classifier, detector, margin=0)
    near, = inferencer(str(tmp_path / 'near.jpg'))
    assert seen == [(30, 40)] and near.size == (320, 240)
    assert near.faces[0].box == pytest.approx((64, 32, 192, 160), abs=8)
    far, = inferencer(str(tmp_path / 'far.jpg'))
    assert far.faces[0].box == pytest.approx((64, 32, 128, 96), abs=8)
    # 8 px would be blurred over the border; all pixels of the whole show a clean square.
    inner = classifier.faces[0][2:-2, 2:-2].reshape(-1, 3).astype(int)
    assert np.ptp(inner, axis=0).max() < 12
    loaded, result = next(inferencer.stream([str(tmp_path / 'near.jpg')]))
    whole = loaded.closer()
    assert loaded.pixels.shape == (30, 40, 3) and whole.pixels.shape == photo.shape
    assert whole.closer() is whole
    # What is asked for later is what the classifier got.
    assert (inferencer.crop(loaded, result.faces[0]) == classifier.faces[0]).all()


def test_of_a_crowd_only_small_faces_are_cut_from_the_whole(tmp_path):
    cv2.imwrite(str(tmp_path / 'both.jpg'), scene((16, 16, 128), (200, 160, 40), size=(240, 320)))
    classifier = Remembering()
    inferencer = FERInferencer(classifier, Letterboxing(), margin=0)
    (loaded, result), = inferencer.stream([str(tmp_path / 'both.jpg')])
    near, far = classifier.faces
    for crop, face in zip((near, far), result.faces):
        assert (inferencer.crop(loaded, face) == crop).all()
    assert (inferencer.crop(loaded.closer(), result.faces[0]) != near).any()
    assert (inferencer.crop(loaded.closer(), result.faces[1]) == far).all()


def test_the_margin_is_the_users_the_detectors_the_models_or_the_default():
    def margin(classifier=None, detector=None, **options):
        model, finder = MeanClassifier(), BlobDetector()
        model.margin, finder.margin = classifier, detector
        return FERInferencer(model, finder, **options).describe()['margin']

    assert margin() == MARGIN
    assert margin(classifier=0.1) == 0.1
    assert margin(classifier=0.1, detector=0.) == 0
    assert margin(classifier=0.1, detector=0., margin=0.3) == 0.3
    assert FERInferencer(MeanClassifier(), 'whole').describe()['margin'] == 0
