"""The step of stage III: its losses, who judges, and what it may look at."""
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from reference.pseudo_labels import pseudo_labels, unlabeled_loss
from ssfer_mm.models.features import predict
from support.models import resnet, vit
from support.ssfer_steps import (
    build,
    gradients,
    losses_of,
    semi_batch,
    tau_between,
)


@pytest.mark.parametrize('source', ['teacher', 'student'])
def test_semi_supervised_losses_are_the_methods(source):
    model, data = build(pseudo_labels_from=source, unlabeled_weight=5.0), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    losses = losses_of(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    with torch.no_grad():
        judge = getattr(model, source)
        judged = pseudo_labels(judge(inputs['weak']).softmax(1).tolist(),
                               model.pseudo_label.threshold)
        expected = 5 * unlabeled_loss(model.student(inputs['strong']).tolist(), judged)
        labeled = F.cross_entropy(model.student(inputs['labeled']), torch.tensor([0, 1, 2, 0]))
    assert 0 < sum(accepted for _, accepted in judged) < 6
    assert float(losses['loss_unlabeled']) == pytest.approx(expected, rel=1e-4)
    assert float(losses['loss_labeled']) == pytest.approx(float(labeled), rel=1e-5)
    assert float(losses['coverage']) == pytest.approx(sum(a for _, a in judged) / 6)
    assert model.last_pseudo_labels['ids'] == [f'u{k}' for k in range(6)]
    assert model.last_pseudo_labels['labels'].tolist() == [label for label, _ in judged]
    assert model.last_pseudo_labels['accepted'].tolist() == [a for _, a in judged]


def test_a_student_that_judges_in_mixed_precision_still_learns():
    """PyTorch 2.6 would hand the casts of the judging, which have no gradient, to the learning."""
    model = build(pseudo_labels_from='student')
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = losses_of(model, semi_batch())
    losses['loss_labeled'].backward()
    assert set(gradients(model)) == {name for name, _ in model.student.named_parameters()}


@pytest.mark.parametrize('classifier, size', [(vit(), 16), (resnet(), 32)])
def test_facemix_of_stage_three_is_that_of_stage_two(classifier, size):
    """In one student pass over mixed, real and strong images."""
    model = build(classifier, facemix=dict(type='FaceMix'), semi_facemix=True)
    data = semi_batch(size=size)
    for k, sample in enumerate(data['data_samples']['labeled']):
        sample.set_field(torch.tensor([0., 0., 8., 8.]) + (k == 0), 'face_box')
    model.pseudo_label.threshold = tau_between(model, data)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    # Without batch statistics in the way, parts of a batch can be asked one after the other.
    model.student.eval()
    passes = []
    hook = model.student.register_forward_pre_hook(lambda _, args: passes.append(len(args[0])))
    losses = model(inputs, data['data_samples'], mode='loss')
    hook.remove()
    batch = inputs['facemix']
    assert passes == [4 + 2 + (3 if model.skip_rejected else 6)]
    assert batch.counted.tolist() == [0, 3], 'one pair overlaps in full'
    apart = model.supervised_step(dict(inputs))
    assert float(losses['loss_facemix']) == pytest.approx(float(apart['loss_facemix']), rel=1e-4)
    assert float(losses['iou_mean']) == float(apart['iou_mean'])
    assert 'loss_labeled' not in losses
    lacking = dict(inputs, facemix=replace(
        batch, missing=torch.tensor([True, True, True, False])))
    assert float(model.supervised_step(lacking)['boxes_missing']) == 0.75, 'a share'
    judged = pseudo_labels(model.teacher(inputs['weak']).softmax(1).tolist(),
                           model.pseudo_label.threshold)
    expected = 5 * unlabeled_loss(model.student(inputs['strong']).tolist(), judged)
    assert float(losses['loss_unlabeled']) == pytest.approx(expected, rel=1e-4)


def test_leaving_out_rejected_images_changes_nothing():
    model, data = build(), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    seen, results = [], []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    for keep_all in (False, True):
        model.skip_rejected = not keep_all
        model.zero_grad()
        losses = losses_of(model, data)
        (losses['loss_labeled'] + losses['loss_unlabeled']).backward()
        results.append((float(losses['loss_unlabeled']), gradients(model)))
    assert seen == [4 + 3, 4 + 6]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(gradient, results[1][1][name], rtol=1e-3, atol=1e-6)


def test_no_accepted_pseudo_label_still_trains_on_the_labels():
    model, data = build(pseudo_label=dict(type='ConfidenceThreshold', threshold=1.0)), semi_batch()
    losses = losses_of(model, data)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert float(losses['loss_unlabeled']) == 0
    assert all(g.isfinite().all() for g in gradients(model).values()) and gradients(model)


def test_the_rule_is_shown_the_labeled_images_where_it_asks_for_them():
    model, data = build(pseudo_label=dict(type='LabeledMargin')), semi_batch()
    seen = []
    model.pseudo_label.register_forward_pre_hook(lambda _, args: seen.append(args))
    losses_of(model, data)
    (weak, labeled), = seen
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    torch.testing.assert_close(weak, model.teacher(inputs['weak']).softmax(1))
    torch.testing.assert_close(labeled.probabilities, model.teacher(inputs['labeled']).softmax(1))
    assert labeled.targets.argmax(1).tolist() == [0, 1, 2, 0]


OPTIONS = {
    **{rule: dict(pseudo_label=dict(type=rule)) for rule in (
        'FreeMatchThreshold', 'FlexMatchThreshold', 'SoftMatchWeights', 'LabeledMargin',
        'DistributionAlignment')},
    'ClusterPurity': dict(pseudo_label=dict(
        type='ClusterPurity', clusters=2, bank=10, refit_every=1, purity=0.1)),
    'all are accepted': dict(pseudo_label=dict(type='ConfidenceThreshold', threshold=0.01)),
    'the student judges': dict(pseudo_labels_from='student'),
    'label_temperature': dict(label_temperature=1., skip_rejected=False),
    'PseudoMixup': dict(pseudo_mixup=dict(type='PseudoMixup')),
    'RejectedConsistency': dict(rejected_loss=dict(type='RejectedConsistency')),
    'NegativeLearning': dict(rejected_loss=dict(type='NegativeLearning')),
    'SelfAdaptiveFairness': dict(fairness=dict(type='SelfAdaptiveFairness')),
}


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
def test_an_image_at_which_the_judge_overflows_is_rejected_and_spoils_nothing(
        options, monkeypatch):
    """As in float16, where a loss scale looks after the pass that learns, but not after this."""

    def overflow(*arguments):
        for rows in predict(*arguments):
            if rows is not None:
                rows[[0, -1]] = float('nan')  # the last one is labeled, if the rule sees those
            outputs.append(rows)
        return outputs[-2:]

    outputs, model = [], build(**options)
    model.learn_class_counts(torch.tensor([2, 1, 1]))
    monkeypatch.setattr('ssfer_mm.models.ssfer.predict', overflow)
    for _ in range(2):
        losses = losses_of(model, semi_batch())
        model.parse_losses(losses)[0].backward()
        assert all(value.isfinite() for value in losses.values()), losses
        assert model.last_pseudo_labels['accepted'][0] == 0
    values = [*gradients(model).values(), *model.buffers()]
    assert len(outputs) == 4 and all(value.isfinite().all() for value in values)


def test_weights_weigh_the_images():
    model, data = build(pseudo_label=dict(type='SoftMatchWeights')), semi_batch()
    losses = losses_of(model, data)
    weights, labels = (model.last_pseudo_labels[key] for key in ('accepted', 'labels'))
    assert 0 < weights.min() < weights.max() == 1
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    each = F.cross_entropy(model.student(inputs['strong']), labels, reduction='none')
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (weights * each).mean())
    assert float(losses['coverage']) == pytest.approx(float(weights.mean()))


def test_networks_with_batch_norm_see_rejected_images_unless_told_not_to():
    """Told so, neither their statistics nor their time count."""
    data, seen = semi_batch(size=32), {}
    for skip in (None, True):
        torch.manual_seed(0)
        model = build(resnet(), skip_rejected=skip)
        model.teacher.head.fc.weight.data *= 0.01  # or it is quite sure of all
        model.pseudo_label.threshold = tau_between(model, data)
        inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
        model.student.register_forward_pre_hook(
            lambda _, args, skip=skip: seen.setdefault(skip, args[0].clone()))
        losses_of(model, data)
    accepted = model.last_pseudo_labels['accepted'] > 0
    assert 0 < accepted.sum() < 6
    both = [inputs['labeled'], inputs['strong']]
    torch.testing.assert_close(seen[None], torch.cat(both))
    torch.testing.assert_close(seen[True], torch.cat([both[0], both[1][accepted]]))


def test_batch_norm_has_a_second_image_where_one_is_labeled_and_all_are_rejected():
    """It cannot take the variance of one; the other one teaches nothing."""
    model, data, seen = build(resnet(), skip_rejected=True), semi_batch(labeled=1, size=16), []
    model.teacher.head.fc.weight.data *= 0.01  # or it is quite sure of all
    model.pseudo_label.threshold = 1.
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = losses_of(model, data)
    assert seen == [2] and float(losses['coverage']) == float(losses['loss_unlabeled']) == 0


def test_hidden_labels_are_never_used():
    """Scrambled labels on the unlabeled samples change neither losses nor gradients."""
    model, results = build(), []
    for scrambled in (None, 0, 1):
        data = semi_batch()
        if scrambled is not None:
            for k, sample in enumerate(data['data_samples']['unlabeled']):
                sample.set_gt_label((k + scrambled) % 3)
        model.zero_grad()
        losses = losses_of(model, data)
        (losses['loss_labeled'] + losses['loss_unlabeled']).backward()
        results.append(({k: float(v) for k, v in losses.items()}, gradients(model)))
    for losses, gradient in results[1:]:
        assert losses == results[0][0]
        assert all(torch.equal(gradient[name], results[0][1][name]) for name in gradient)
