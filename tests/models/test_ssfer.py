"""Student and teacher: who learns, who predicts, and what a checkpoint brings back."""
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from reference.ema import averaged_state
from ssfer_mm import UserError
from ssfer_mm.models import checks
from support.models import resnet, ssfer, vit
from support.ssfer_steps import (
    build,
    losses_of,
    semi_batch,
    supervised_batch,
)


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
    model.probabilities(torch.randn(4, 3, 32, 32))
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


def test_batch_statistics_are_handed_on_in_both_directions():
    model = build(resnet())
    losses_of(model, semi_batch(size=32))  # moves the student's
    model.sync_teacher()
    for name, value in model.student.state_dict().items():
        assert torch.equal(value, model.teacher.state_dict()[name]), name
    losses_of(model, semi_batch(size=32))
    assert not torch.equal(model.student.backbone.bn1.running_mean,
                           model.teacher.backbone.bn1.running_mean)
    model.sync_student()
    for name, value in model.student.state_dict().items():
        assert torch.equal(value, model.teacher.state_dict()[name]), name


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


@pytest.mark.parametrize('part', [
    dict(head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048)),
    dict(backbone=dict(type='InceptionV3', num_classes=1000), head=dict(type='ClsHead'))])
def test_as_many_classes_as_the_labels_have(part):
    with pytest.raises(UserError, match=f'{min(part)}.num_classes is 1000, but .* is 3: set both'):
        MODELS.build(dict(ssfer(), classifier=dict(vit(), **part)))


def test_a_head_for_several_labels_is_refused():
    """It would be trained with softmax and predict with sigmoid."""
    head = dict(type='MultiLabelLinearClsHead', num_classes=3, in_channels=16)
    with pytest.raises(UserError, match='MultiLabelLinearClsHead is .*head.type=LinearClsHead'):
        MODELS.build(ssfer(dict(vit(), head=head)))


@pytest.mark.parametrize('head, told', [
    (dict(loss=dict(type='CrossEntropyLoss', class_weight=[1., 2., 1.])),
     ['head.loss.class_weight=[1.0, 2.0, 1.0]']),
    (dict(loss=dict(type='CrossEntropyLoss', loss_weight=1.0, class_weight=None)), []),
    (dict(loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1)), ['head.loss=LabelSmoothLoss']),
    (dict(type='ArcFaceClsHead'), ['head.margins']),
    (dict(), []),
])
def test_what_is_not_used_of_a_head_is_said(monkeypatch, head, told):
    said = []
    monkeypatch.setattr(checks, 'print_log', lambda text, **_: said.append(text))
    linear = dict(type='LinearClsHead', num_classes=3, in_channels=16)
    MODELS.build(ssfer(dict(vit(), head=dict(linear, **head))))
    assert len(said) == len(told) and all(word in said[0] for word in told), said


def test_what_is_not_set_is_the_methods():
    model = MODELS.build(ssfer())
    assert (model.ema_decay, model.unlabeled_weight, model.pseudo_label.threshold) == (
        0.999, 5, 0.7)


def test_the_teacher_follows_weights_that_were_replaced_between_epochs():
    model = build(resnet(), ema_decay=0.5)
    model.update_teacher()
    model.double().train()  # new tensors
    for parameter in model.student.parameters():
        torch.nn.init.ones_(parameter)
    before = model.teacher.head.fc.weight.clone()
    model.update_teacher()
    torch.testing.assert_close(model.teacher.head.fc.weight, 0.5 * before + 0.5)


def test_the_average_is_kept_from_step_to_step():
    """To walk through the modules takes longer than the arithmetic."""
    model = build()
    model.update_teacher()
    first = model._average
    model.update_teacher()
    assert model._average is first
    model.train()
    model.update_teacher()
    assert model._average is not first
