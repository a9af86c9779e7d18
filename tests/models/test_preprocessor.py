"""Pixels against plain numpy, labels, and where FaceMix is applied."""
import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from ssfer_mm import UserError
from ssfer_mm.models import FaceMixBatch
from support.models import MEAN, STD, preprocessor


def sample(label, box=None):
    result = DataSample().set_gt_label(label)
    if box is not None:
        result.set_field(torch.tensor(box, dtype=torch.float32), 'face_box')
    return result


def pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)


def normalized(bgr):
    """RGB, zero mean, unit deviation, in double precision."""
    result = np.empty(bgr.shape)
    for channel, (mean, std) in enumerate(zip(MEAN, STD)):
        result[:, channel] = (bgr[:, 2 - channel].astype(float) - mean) / std
    return result


def batch(labels=(0, 1, 2), unlabeled=0, box=None):
    data = dict(
        inputs=dict(labeled=torch.from_numpy(pixels(len(labels)))),
        data_samples=dict(labeled=[sample(label, box) for label in labels]))
    if unlabeled:
        data['inputs'].update(weak=torch.from_numpy(pixels(unlabeled, 1)),
                              strong=torch.from_numpy(pixels(unlabeled, 2)))
        data['data_samples']['unlabeled'] = [DataSample() for _ in range(unlabeled)]
    return data


def build(**options):
    return MODELS.build(preprocessor(**options))


def test_every_source_is_normalized_rgb():
    result = build()(batch(unlabeled=2), training=True)
    for source, count, seed in (('labeled', 3, 0), ('weak', 2, 1), ('strong', 2, 2)):
        np.testing.assert_allclose(result['inputs'][source].numpy(),
                                   normalized(pixels(count, seed)), atol=1e-5)
        assert result['inputs'][source].dtype == torch.float32
    assert result['inputs']['targets'].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_rgb_input_keeps_its_channels():
    plain = MODELS.build(dict(preprocessor(), to_rgb=False))(batch(), training=True)
    flipped = build()(batch(), training=True)['inputs']['labeled']
    bgr = plain['inputs']['labeled'] * torch.tensor(STD)[:, None, None] + torch.tensor(
        MEAN)[:, None, None]
    rgb = flipped * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    torch.testing.assert_close(bgr, rgb.flip(1), rtol=0, atol=1e-3)


def test_the_batch_is_not_changed_in_place():
    data = batch()
    data['inputs']['labeled'] = data['inputs']['labeled'].float()
    before = data['inputs']['labeled'].clone()
    MODELS.build(dict(preprocessor(), to_rgb=False))(data, training=True)
    assert torch.equal(data['inputs']['labeled'], before)


def test_test_batches_go_the_parents_way():
    """As a plain tensor with a list of samples, without targets or FaceMix."""
    data = dict(inputs=torch.from_numpy(pixels(3)), data_samples=[sample(k) for k in range(3)])
    result = build(facemix=dict(type='FaceMix'))(data, training=False)
    np.testing.assert_allclose(result['inputs'].numpy(), normalized(pixels(3)), atol=1e-5)
    assert [int(s.gt_label) for s in result['data_samples']] == [0, 1, 2]


def test_the_deployed_preprocessor_sees_the_same_pixels():
    stock = MODELS.build(dict(type='ClsDataPreprocessor', mean=MEAN, std=STD, to_rgb=True,
                              num_classes=3))
    data = dict(inputs=torch.from_numpy(pixels(3)), data_samples=[sample(k) for k in range(3)])
    ours = build()(batch(), training=True)['inputs']['labeled']
    torch.testing.assert_close(stock(data)['inputs'], ours)


@pytest.mark.parametrize('training, unlabeled, expected', [
    (True, 0, True), (True, 2, False), (False, 0, False)])
def test_facemix_is_for_supervised_training_batches_only(training, unlabeled, expected):
    data = batch(unlabeled=unlabeled, box=[1, 1, 7, 7])
    result = build(facemix=dict(type='FaceMix'))(data, training=training)
    assert ('facemix' in result['inputs']) is expected
    if expected:
        mixed = result['inputs']['facemix']
        assert isinstance(mixed, FaceMixBatch)
        assert mixed.images is result['inputs']['labeled'], 'the real images are the unmixed ones'
        assert mixed.iou.tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize('training', [True, False])
def test_facemix_of_stage_three_mixes_the_labeled_images_only(training):
    data = batch(unlabeled=2, box=[1, 1, 7, 7])
    model = build(facemix=dict(type='FaceMix'), semi_facemix=True)
    inputs = model(data, training=training)['inputs']
    assert ('facemix' in inputs) is training
    plain = build()(batch(unlabeled=2), training=training)['inputs']
    for source in ('labeled', 'weak', 'strong'):
        torch.testing.assert_close(inputs[source], plain[source])
    if training:
        assert inputs['facemix'].images is inputs['labeled']


def test_facemix_of_stage_three_needs_facemix():
    with pytest.raises(UserError, match='facemix.type=FaceMix'):
        build(semi_facemix=True)


def test_facemix_gets_each_samples_own_box():
    data = batch(labels=(0, 1))
    data['data_samples']['labeled'] = [sample(0, [0, 0, 4, 4]), sample(1, [2, 0, 6, 4])]
    mixed = build(facemix=dict(type='FaceMix'))(data, training=True)['inputs']['facemix']
    assert mixed.iou.tolist() == pytest.approx([1 / 3, 1 / 3])
    assert mixed.missing.tolist() == [False, False]


def test_without_boxes_facemix_is_mixup():
    mixed = build(facemix=dict(type='FaceMix'))(batch(), training=True)['inputs']['facemix']
    assert mixed.real_weight.tolist() == [0, 0, 0]


def test_boxes_of_some_images_only_are_none():
    data = batch()
    data['data_samples']['labeled'][1] = sample(1, [1, 1, 7, 7])
    mixed = build(facemix=dict(type='FaceMix'))(data, training=True)['inputs']['facemix']
    assert mixed.real_weight.tolist() == [0, 0, 0]


def test_scores_take_the_place_of_the_one_hot_label_where_there_are_some():
    data = batch(labels=(0, 1))
    data['data_samples']['labeled'][1].set_gt_score(torch.tensor([.1, .7, .2]))
    targets = build()(data, training=True)['inputs']['targets']
    torch.testing.assert_close(targets, torch.tensor([[1, 0, 0], [.1, .7, .2]]))


def test_scores_of_another_number_of_classes():
    data = batch(labels=(0, 1))
    data['data_samples']['labeled'][1].set_gt_score(torch.tensor([.3, .7]))
    with pytest.raises(UserError, match='has 2 class scores, but the model has num_classes=3'):
        build()(data, training=True)


def test_a_label_that_the_model_does_not_know():
    with pytest.raises(UserError, match='a label is 3, but the model has num_classes=3'):
        build()(batch(labels=(0, 3)), training=True)
