"""What the step of stage III has beyond the paper, each option against its definition."""
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.models import one_hot
from ssfer_mm.models.losses import sharpen
from support.models import resnet, ssfer, vit
from support.ssfer_steps import (
    build,
    losses_of,
    semi_batch,
    supervised_batch,
    tau_between,
)


@pytest.mark.parametrize('pseudo_labels', [False, True])
def test_logit_adjustment_of_each_stage(pseudo_labels):
    model, data = build(logit_adjustment=dict(type='LogitAdjustment'), semi_logit_adjustment=dict(
        type='LogitAdjustment', tau=0.5, pseudo_labels=pseudo_labels),
        pseudo_label=dict(type='ConfidenceThreshold', threshold=0.01)), semi_batch()
    model.learn_class_counts(torch.tensor([1, 1, 98]))
    log = torch.tensor([.01, .01, .98]).log()
    semi = model.data_preprocessor(deepcopy(data), True)['inputs']
    labels = torch.tensor([0, 1, 2, 0])
    logits = model.student(semi['labeled'])
    torch.testing.assert_close(losses_of(model, supervised_batch())['loss_labeled'],
                               F.cross_entropy(logits + log, labels))
    losses = losses_of(model, data)
    torch.testing.assert_close(losses['loss_labeled'],
                               F.cross_entropy(logits + 0.5 * log, labels))
    shift = 0.5 * log * pseudo_labels
    plain = model.teacher(semi['weak'])
    said = (plain + shift).argmax(1)
    assert torch.equal(said, plain.argmax(1)) != pseudo_labels, 'the shift changes pseudo-labels'
    torch.testing.assert_close(losses['loss_unlabeled'],
                               5 * F.cross_entropy(model.student(semi['strong']) + shift, said))


def test_facemix_losses_are_adjusted_too():
    model, data = build(facemix=dict(type='FaceMix', real_weight=1.0),
                        logit_adjustment=dict(type='LogitAdjustment')), supervised_batch()
    losses = []
    for counts in ([1, 1, 1], [8, 1, 1]):
        model.learn_class_counts(torch.tensor(counts))
        np.random.seed(0)
        losses.append(float(losses_of(model, data)['loss_facemix']))
    np.random.seed(0)
    batch = model.data_preprocessor(deepcopy(data), True)['inputs']['facemix']
    logits = model.student(torch.cat([batch.mixed, batch.images]))
    logits = logits + torch.tensor([.8, .1, .1]).log()
    expected = (F.cross_entropy(logits[:4], batch.mixed_targets)
                + F.cross_entropy(logits[4:], batch.targets))
    assert losses[0] != losses[1] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize('network, size', [(vit(), 16), (resnet(), 32)])
def test_several_weak_views_are_judged_by_their_mean(network, size):
    model, data = build(network), semi_batch(size=size)
    first, second = data['inputs']['weak'], data['inputs']['weak'].flip(-1)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    weak = [model.data_preprocessor(dict(data, inputs=dict(weak=view)), True)['inputs']['weak']
            for view in (first, second)]
    pseudo = model.make_pseudo_labels(dict(inputs, weak=torch.cat(weak)))
    expected = sum(model.teacher(view).softmax(1) for view in weak) / 2
    torch.testing.assert_close(pseudo.probabilities, expected)
    assert pseudo.labels.tolist() == expected.argmax(1).tolist()
    assert len(pseudo.weights) == len(first)


def test_features_of_several_weak_views_are_meant_too():
    model = build(pseudo_label=dict(type='ClusterPurity', clusters=2, bank=10))
    inputs, seen = model.data_preprocessor(semi_batch(), True)['inputs'], []
    model.pseudo_label.register_forward_pre_hook(lambda _, args: seen.append(args[2]))
    for views in ([inputs['weak']], [inputs['strong']], [inputs['weak'], inputs['strong']]):
        model.make_pseudo_labels(dict(inputs, weak=torch.cat(views)))
    torch.testing.assert_close(seen[2], (seen[0] + seen[1]) / 2)


def adjusted(on):
    """Logits of pseudo-labels and strong views shifted by the shares of the classes, or not."""
    return dict(type='LogitAdjustment', pseudo_labels=True) if on else None


@pytest.mark.parametrize('adjust', [False, True])
@pytest.mark.parametrize('kind', ['NegativeLearning', 'RejectedConsistency'])
def test_rejected_images_have_a_loss_of_their_own(kind, adjust):
    model, data = build(rejected_loss=dict(type=kind),
                        semi_logit_adjustment=adjusted(adjust)), semi_batch()
    model.learn_class_counts(torch.tensor([6, 3, 1]))
    shift = torch.tensor([.6, .3, .1]).log() * adjust
    model.pseudo_label.threshold = tau_between(model, data)
    plain = float(losses_of(model, data)['loss_unlabeled'])
    seen = []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = losses_of(model, data)
    assert seen == [4 + 6], 'the rejected ones take part'
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    rejected = 1 - model.last_pseudo_labels['accepted']
    expected = model.rejected_loss(model.student(inputs['strong']) + shift,
                                   (model.teacher(inputs['weak']) + shift).softmax(1), rejected)
    assert rejected.sum() == 3
    torch.testing.assert_close(losses['loss_rejected'], expected)
    assert float(losses['loss_unlabeled']) == pytest.approx(plain, rel=1e-5)
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, sum(v for k, v in losses.items() if 'loss' in k))


@pytest.mark.parametrize('adjust', [False, True])
def test_fairness_is_a_loss_on_the_accepted_strong_views(adjust):
    model, data = build(fairness=dict(type='SelfAdaptiveFairness'),
                        semi_logit_adjustment=adjusted(adjust)), semi_batch()
    model.learn_class_counts(torch.tensor([6, 3, 1]))
    shift = torch.tensor([.6, .3, .1]).log() * adjust
    model.pseudo_label.threshold = tau_between(model, data)
    before = deepcopy(model.fairness)
    seen = []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    model.fairness.register_forward_pre_hook(lambda _, args: seen.append(args[3]))
    losses = losses_of(model, data)
    assert seen == [4 + 3, 6], 'the rejected ones do not take part, but count in the mean'
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    pseudo = model.make_pseudo_labels(inputs)
    expected = before(model.student(inputs['strong']) + shift, pseudo.weights, pseudo, 6)
    torch.testing.assert_close(losses['loss_fairness'], expected)
    assert int(model.fairness.average.steps) == 1
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, sum(v for k, v in losses.items() if 'loss' in k))


@pytest.mark.parametrize('classifier, size', [(vit(), 16), (resnet(), 32)])
@pytest.mark.parametrize('source', ['teacher', 'student'])
def test_a_rule_that_asks_sees_what_the_last_layer_gets(classifier, size, source):
    model = build(classifier, pseudo_labels_from=source,
                  pseudo_label=dict(type='ClusterPurity', clusters=2, bank=10))
    data = semi_batch(size=size)
    network = getattr(model, source)
    seen, passes = [], []
    model.pseudo_label.register_forward_pre_hook(lambda _, args: seen.append(args))
    handle = network.register_forward_pre_hook(lambda _, args: passes.append(len(args[0])))
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    model.make_pseudo_labels(inputs)
    handle.remove()
    (weak, labeled, features), = seen
    assert passes == [10], 'one pass makes both'
    network.eval()
    head = network.head.layers.head if hasattr(network.head, 'layers') else network.head.fc
    everything = torch.cat([inputs['weak'], inputs['labeled']])
    torch.testing.assert_close(torch.cat([features, labeled.features]),
                               network.head.pre_logits(network.extract_feat(everything)))
    torch.testing.assert_close(head(features).softmax(1), weak)
    assert not features.requires_grad and not head._forward_pre_hooks


def test_features_need_a_linear_layer_that_shows_them():
    classifier = vit()
    classifier['head'] = dict(type='ClsHead')
    with pytest.raises(UserError, match='ClsHead has no linear layer'):
        MODELS.build(dict(
            ssfer(pseudo_label=dict(type='ClusterPurity')), classifier=classifier))
    model = build(pseudo_label=dict(type='ClusterPurity'))
    model.teacher.head.forward = lambda feats: torch.zeros(len(feats[0]), 3)
    with pytest.raises(UserError, match='CompileHook.modules'):
        losses_of(model, semi_batch())


@pytest.mark.parametrize('temperature', [1.0, 0.5])
def test_soft_pseudo_labels_are_the_sharpened_probabilities(temperature):
    model, data = build(label_temperature=temperature, unlabeled_weight=1.0), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    losses = losses_of(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    soft = (model.teacher(inputs['weak']) / temperature).softmax(1)
    each = F.cross_entropy(model.student(inputs['strong']), soft, reduction='none')
    accepted = model.last_pseudo_labels['accepted']
    assert accepted.sum() == 3
    torch.testing.assert_close(losses['loss_unlabeled'], (accepted * each).sum() / 6)


def test_the_loss_on_pseudo_labels_may_weigh_classes():
    model = build(pseudo_label_loss=dict(type='PseudoLabelLoss', class_power=0.5),
                  pseudo_label=dict(type='ConfidenceThreshold', threshold=0.01))
    data, shares = semi_batch(), torch.tensor([.6, .3, .1])
    model.learn_class_counts(torch.tensor([6, 3, 1]))
    losses = losses_of(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    said = model.last_pseudo_labels['labels']
    of_class = shares**-.5 / (shares * shares**-.5).sum()
    each = F.cross_entropy(model.student(inputs['strong']), said, reduction='none')
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (of_class[said] * each).mean())


def test_sharpening_does_not_underflow():
    """Few classes are likely enough for the hundredth power of their probability."""
    flat = torch.full((2, 4), 0.25) + torch.tensor([0.01, 0, 0, -0.01])
    torch.testing.assert_close(sharpen(flat, 0.01).sum(1), torch.ones(2))
    assert (sharpen(flat, 0.001)[:, 0] > 0.99).all()
    certain = torch.tensor([[1., 0., 0.]])
    torch.testing.assert_close(sharpen(certain, 0.5), certain)


def test_mixed_strong_views_have_mixed_labels():
    model, data = build(pseudo_mixup=dict(type='PseudoMixup')), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    losses = losses_of(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    pseudo = model.make_pseudo_labels(inputs)
    mixed = model.pseudo_mixup.mix(inputs['strong'], one_hot(pseudo.labels, 3), pseudo)
    each = F.cross_entropy(model.student(mixed.images), mixed.targets, reduction='none')
    assert 0 < mixed.weights.sum() < 6 or pseudo.weights.sum() < mixed.weights.sum()
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (mixed.weights * each).mean())
    assert float(losses['coverage']) == pytest.approx(0.5)


def test_soft_labels_are_mixed_as_they_are():
    model, data = build(pseudo_mixup=dict(type='PseudoMixup'), label_temperature=0.5), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    losses = losses_of(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    pseudo = model.make_pseudo_labels(inputs)
    soft = (model.teacher(inputs['weak']) / 0.5).softmax(1)
    mixed = model.pseudo_mixup.mix(inputs['strong'], soft, pseudo)
    each = F.cross_entropy(model.student(mixed.images), mixed.targets, reduction='none')
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (mixed.weights * each).mean())
