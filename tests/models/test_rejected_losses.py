"""What images without a pseudo-label still teach, against loops."""
import pytest
import torch
from mmpretrain.registry import MODELS

from reference import rejected as slow
from ssfer_mm import UserError
from ssfer_mm.models import NegativeLearning, RejectedConsistency


def batch(images=12, classes=4):
    logits = (2 * torch.randn(images, classes)).requires_grad_()
    probabilities = torch.softmax(3 * torch.randn(images, classes), 1)
    return logits, probabilities, torch.rand(images).round(decimals=1)


def test_negative_learning_is_a_loop():
    logits, probabilities, rejected = batch()
    loss = MODELS.build(dict(type='NegativeLearning', threshold=0.1, weight=2.0))
    expected = slow.negative_learning(logits.tolist(), probabilities.tolist(), rejected.tolist(),
                                      0.1, 2.0)
    assert float(loss(logits, probabilities, rejected)) == pytest.approx(expected, rel=1e-4)


def test_consistency_is_a_loop():
    logits, probabilities, rejected = batch()
    loss = MODELS.build(dict(type='RejectedConsistency', weight=2.0))
    expected = slow.consistency(logits.tolist(), probabilities.tolist(), rejected.tolist(), 2.0)
    assert float(loss(logits, probabilities, rejected)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('loss', [NegativeLearning(0.3), RejectedConsistency()])
def test_accepted_images_teach_nothing_here(loss):
    logits, probabilities, rejected = batch()
    rejected[:6] = 0
    loss(logits, probabilities, rejected).backward()
    assert not logits.grad[:6].any() and logits.grad[6:].any()


def test_negative_learning_pushes_absent_classes_down_even_where_the_student_is_certain():
    logits = torch.tensor([[50., 0., 0.]], requires_grad=True)
    NegativeLearning(0.05)(logits, torch.tensor([[0.01, 0.5, 0.49]]), torch.ones(1)).backward()
    assert logits.grad[0, 0] == pytest.approx(1) and (logits.grad[0, 1:] < 0).all()


def test_a_class_at_the_threshold_is_absent():
    logits = torch.zeros(1, 3, requires_grad=True)
    NegativeLearning(0.25)(logits, torch.tensor([[0.25, 0.75, 0.]]), torch.ones(1)).backward()
    assert logits.grad[0, 0] > 0 and logits.grad[0, 1] < 0


@pytest.mark.parametrize('loss', [NegativeLearning(0.3), RejectedConsistency()])
def test_mixed_precision_does_not_round_the_losses(loss):
    logits, probabilities, rejected = batch()
    rounded = logits.detach().bfloat16()
    assert torch.equal(loss(rounded, probabilities, rejected),
                       loss(rounded.float(), probabilities, rejected))


def test_an_image_that_may_show_anything_teaches_nothing():
    logits = torch.randn(2, 4, requires_grad=True)
    loss = NegativeLearning(0.05)(logits, torch.full((2, 4), 0.25), torch.ones(2))
    assert float(loss) == 0


def test_agreement_costs_nothing():
    logits = torch.randn(5, 3)
    assert float(RejectedConsistency()(logits, logits.softmax(1), torch.ones(5))) == 0


@pytest.mark.parametrize('build, word', [
    (lambda: NegativeLearning(threshold=0), 'threshold'),
    (lambda: NegativeLearning(weight=-1), 'weight'),
    (lambda: RejectedConsistency(weight=-1), 'weight')])
def test_settings_out_of_range(build, word):
    with pytest.raises(UserError, match=word):
        build()
