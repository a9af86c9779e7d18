"""The algorithm: who learns, who predicts, and what a step may look at."""
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from reference.ema import averaged_state
from reference.pseudo_labels import pseudo_labels, unlabeled_loss
from ssfer_mm import UserError
from ssfer_mm.models import one_hot
from ssfer_mm.models.losses import sharpen
from support.models import resnet, ssfer, vit


def build(classifier=None, **options):
    model = MODELS.build(ssfer(classifier, **options))
    model.init_weights()
    # Two different opinions: fresh twins with a head of zeros have none.
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return model.train()


def semi_batch(labeled=4, unlabeled=6, size=16):
    generator = torch.Generator().manual_seed(3)

    def images(count):
        return torch.randint(256, (count, 3, size, size), generator=generator, dtype=torch.uint8)

    return dict(
        inputs=dict(labeled=images(labeled), weak=images(unlabeled), strong=images(unlabeled)),
        data_samples=dict(
            labeled=[DataSample().set_gt_label(k % 3) for k in range(labeled)],
            unlabeled=[DataSample(metainfo=dict(sample_id=f'u{k}')) for k in range(unlabeled)]))


def supervised_batch():
    data = semi_batch()
    return dict(inputs=dict(labeled=data['inputs']['labeled']),
                data_samples=dict(labeled=data['data_samples']['labeled']))


def losses_of(model, data):
    prepared = model.data_preprocessor(deepcopy(data), True)
    return model(**prepared, mode='loss')


def gradients(model):
    return {n: p.grad.clone() for n, p in model.student.named_parameters() if p.grad is not None}


def tau_between(model, data):
    """A threshold that some pseudo-labels reach and some do not."""
    weak = model.data_preprocessor(deepcopy(data), True)['inputs']['weak']
    confidence = model.opinions(weak)[0].amax(1).sort().values
    return float((confidence[2] + confidence[3]) / 2)


# ---- the semi-supervised step ---------------------------------------------------------------


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


def test_batch_statistics_are_taken_over_all_images():
    model, data = build(resnet()), semi_batch(size=32)
    model.pseudo_label.threshold = 1.0
    seen = []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = losses_of(model, data)
    assert seen == [4 + 6]
    assert float(losses['loss_unlabeled']) == 0 or float(losses['coverage']) > 0


def test_no_accepted_pseudo_label_still_trains_on_the_labels():
    model, data = build(pseudo_label=dict(type='ConfidenceThreshold', threshold=1.0)), semi_batch()
    losses = losses_of(model, data)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert float(losses['loss_unlabeled']) == 0
    assert all(g.isfinite().all() for g in gradients(model).values()) and gradients(model)


# ---- beyond the paper -------------------------------------------------------------------------


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


def test_weights_weigh_the_images():
    model, data = build(pseudo_label=dict(type='SoftMatchWeights')), semi_batch()
    losses = losses_of(model, data)
    weights, labels = (model.last_pseudo_labels[key] for key in ('accepted', 'labels'))
    assert 0 < weights.min() < weights.max() == 1
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    each = F.cross_entropy(model.student(inputs['strong']), labels, reduction='none')
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (weights * each).mean())
    assert float(losses['coverage']) == pytest.approx(float(weights.mean()))


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


@pytest.mark.parametrize('network, size', [(vit(), 16), (resnet(), 32)])
def test_several_weak_views_are_judged_by_their_mean(network, size):
    model, data = build(network), semi_batch(size=size)
    first, second = data['inputs']['weak'], data['inputs']['weak'].flip(-1)
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    weak = [model.data_preprocessor(dict(data, inputs=dict(weak=view)), True)['inputs']['weak']
            for view in (first, second)]
    pseudo = model.judge(dict(inputs, weak=torch.cat(weak)))
    expected = sum(model.teacher(view).softmax(1) for view in weak) / 2
    torch.testing.assert_close(pseudo.probabilities, expected)
    assert pseudo.labels.tolist() == expected.argmax(1).tolist()
    assert len(pseudo.weights) == len(first)


@pytest.mark.parametrize('kind', ['NegativeLearning', 'RejectedConsistency'])
def test_rejected_images_have_a_loss_of_their_own(kind):
    model, data = build(rejected_loss=dict(type=kind)), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    plain = float(losses_of(model, data)['loss_unlabeled'])
    seen = []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = losses_of(model, data)
    assert seen == [4 + 6], 'the rejected ones take part'
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    rejected = 1 - model.last_pseudo_labels['accepted']
    expected = model.rejected_loss(model.student(inputs['strong']),
                                   model.teacher(inputs['weak']).softmax(1), rejected)
    assert rejected.sum() == 3
    torch.testing.assert_close(losses['loss_rejected'], expected)
    assert float(losses['loss_unlabeled']) == pytest.approx(plain, rel=1e-5)
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, sum(v for k, v in losses.items() if 'loss' in k))


def test_fairness_is_a_loss_on_the_accepted_strong_views():
    model, data = build(fairness=dict(type='SelfAdaptiveFairness')), semi_batch()
    model.pseudo_label.threshold = tau_between(model, data)
    before = deepcopy(model.fairness)
    seen = []
    model.student.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = losses_of(model, data)
    assert seen == [4 + 3], 'the rejected ones do not take part'
    inputs = model.data_preprocessor(deepcopy(data), True)['inputs']
    pseudo = model.judge(inputs)
    expected = before(model.student(inputs['strong']), pseudo.weights, pseudo, 6)
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
    model.judge(inputs)
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
    pseudo = model.judge(inputs)
    mixed = model.pseudo_mixup.mix(inputs['strong'], one_hot(pseudo.labels, 3), pseudo)
    each = F.cross_entropy(model.student(mixed.images), mixed.targets, reduction='none')
    assert 0 < mixed.weights.sum() < 6 or pseudo.weights.sum() < mixed.weights.sum()
    torch.testing.assert_close(losses['loss_unlabeled'], 5 * (mixed.weights * each).mean())
    assert float(losses['coverage']) == pytest.approx(0.5)


# ---- labels that nobody may see ---------------------------------------------------------------


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


# ---- the teacher ------------------------------------------------------------------------------


@pytest.mark.parametrize('classifier, size', [(vit(), 16), (resnet(), 32)])
def test_a_training_step_moves_the_student_only(classifier, size):
    model = build(classifier)
    before = deepcopy(model.teacher.state_dict())
    student = deepcopy(model.student.state_dict())
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    model.train_step(semi_batch(size=size), optimizer)
    assert all(p.grad is None for p in model.teacher.parameters())
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, before[name]), f'{name} of the teacher moved'
    assert any(not torch.equal(v, student[n]) for n, v in model.student.state_dict().items())


def test_the_teacher_is_always_in_evaluation_mode():
    model = build(resnet())
    for mode in (True, False):
        model.train(mode)
        assert all(not module.training for module in model.teacher.modules())
        assert model.student.training is mode


def test_pseudo_labels_of_the_student_leave_it_in_training_mode():
    model = build(resnet(), pseudo_labels_from='student')
    statistics = model.student.backbone.bn1.running_mean.clone()
    model.opinions(torch.randn(4, 3, 32, 32))
    assert model.student.training and model.student.backbone.bn1.training
    assert torch.equal(model.student.backbone.bn1.running_mean, statistics)
    assert not model.teacher.training


def test_update_teacher_is_the_moving_average():
    model = build(resnet(), ema_decay=0.9)
    losses_of(model, semi_batch(size=32))
    expected = averaged_state(model.teacher.head, model.student.head, 0.9)
    counter = model.student.backbone.bn1.num_batches_tracked
    model.update_teacher()
    for name, value in model.teacher.head.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-7)
    assert int(model.teacher.backbone.bn1.num_batches_tracked) == int(counter) == 1
    assert int(model.ema_steps) == 1


def test_warm_up_counts_over_saved_steps():
    model = build(ema_decay=0.999, ema_warmup=True)
    model.ema_steps.fill_(8)
    expected = averaged_state(model.teacher.head, model.student.head, 9 / 18)
    model.update_teacher()
    for name, value in model.teacher.head.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-7)


def test_warm_up_goes_on_from_step_to_step():
    """The count is read once, before the first step; the average keeps it from there."""
    model = build(ema_decay=0.999, ema_warmup=True)
    teacher, student = (next(net.head.parameters()) for net in (model.teacher, model.student))
    expected = teacher.clone()
    for step in range(4):
        model.update_teacher()
        decay = (1 + step) / (10 + step)
        expected = decay * expected + (1 - decay) * student.detach()
        student.data += 1
        torch.testing.assert_close(teacher, expected)
    assert int(model.ema_steps) == 4


def test_sync_makes_exact_copies():
    model = build(resnet())
    teacher = deepcopy(model.teacher.state_dict())
    model.sync_student()
    for name, value in model.student.state_dict().items():
        assert torch.equal(value, teacher[name]), name
    model.student.head.fc.weight.data += 1
    assert not torch.equal(model.student.head.fc.weight, model.teacher.head.fc.weight)
    model.sync_teacher()
    assert torch.equal(model.student.head.fc.weight, model.teacher.head.fc.weight)
    assert not any(p.requires_grad for p in model.teacher.parameters())


def test_predictions_are_the_teachers():
    model = build().eval()
    images = torch.randn(4, 3, 16, 16)
    samples = [DataSample().set_gt_label(0) for _ in range(4)]
    logits = model.teacher(images)
    assert torch.equal(model(images, mode='tensor'), logits)
    predicted = model(images, samples, mode='predict')
    torch.testing.assert_close(torch.stack([s.pred_score for s in predicted]), logits.softmax(1))
    assert not torch.allclose(logits, model.student(images))


def test_state_dict_brings_back_student_teacher_and_counter():
    model = build(ema_warmup=True)
    model.update_teacher()
    other = build(ema_warmup=True)
    other.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(other.eval()(images), model.eval()(images))
    assert torch.equal(other.student(images), model.student(images))
    assert int(other.ema_steps) == 1


def test_teacher_starts_as_the_students_twin():
    model = MODELS.build(ssfer(resnet()))
    model.init_weights()
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, model.student.state_dict()[name]), name


# ---- the supervised step and settings ---------------------------------------------------------


def test_supervised_step_without_mixing_is_cross_entropy():
    model, data = build(), supervised_batch()
    losses = losses_of(model, data)
    images = model.data_preprocessor(deepcopy(data), True)['inputs']['labeled']
    logits = model.student(images)
    labels = torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(losses['loss_labeled'], F.cross_entropy(logits, labels))
    assert float(losses['train_accuracy']) == float((logits.argmax(1) == labels).float().mean())
    assert model.last_pseudo_labels is None


def test_the_classifiers_config_is_not_touched():
    classifier = vit()
    before = deepcopy(classifier)
    MODELS.build(ssfer(classifier))
    assert classifier == before


@pytest.mark.parametrize('options, word', [
    (dict(pseudo_labels_from='both'), 'pseudo_labels_from'),
    (dict(ema_decay=1.5), 'ema_decay'),
    (dict(label_temperature=-1), 'label_temperature'),
    (dict(pseudo_mixup=dict(type='PseudoMixup'), rejected_loss=dict(type='NegativeLearning')),
     'rejected_loss'),
    (dict(skip_rejected=True, rejected_loss=dict(type='NegativeLearning')), 'skip_rejected'),
])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        MODELS.build(ssfer(**options))


def test_the_teacher_follows_weights_that_were_replaced_between_epochs():
    model = build(resnet(), ema_decay=0.5)
    model.update_teacher()
    model.double().train()  # new tensors
    for parameter in model.student.parameters():
        torch.nn.init.ones_(parameter)
    before = model.teacher.head.fc.weight.clone()
    model.update_teacher()
    torch.testing.assert_close(model.teacher.head.fc.weight, 0.5 * before + 0.5)
