"""The parts that make up for rare classes: logit adjustment and weights per class."""
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.models import ClassPrior, LogitAdjustment, PseudoLabelLoss

COUNTS = torch.tensor([90, 9, 1])


def knowing(module, counts=COUNTS):
    for part in module.modules():
        if isinstance(part, ClassPrior):
            part.learn(counts)
    return module


def test_adjusted_logits_are_the_logits_and_the_shares():
    logits = torch.randn(5, 3)
    adjusted = knowing(MODELS.build(dict(type='LogitAdjustment', tau=0.5)))(logits)
    for row, new in zip(logits.tolist(), adjusted):
        expected = [z + 0.5 * torch.tensor(n / 100).log() for z, n in zip(row, (90, 9, 1))]
        torch.testing.assert_close(new, torch.stack(expected))
    assert torch.equal(knowing(LogitAdjustment(tau=0.))(logits), logits)


def test_what_is_learned_forgets_the_shares():
    """Faces that tell nothing: adjusted, the network says that all classes are equally likely."""
    logits = torch.zeros(1, 3, requires_grad=True)
    adjust = knowing(LogitAdjustment())
    optimizer = torch.optim.SGD([logits], lr=1.)
    for _ in range(500):
        optimizer.zero_grad()
        F.cross_entropy(adjust(logits), COUNTS[None] / 100).backward()
        optimizer.step()
    torch.testing.assert_close(logits.softmax(1), torch.full((1, 3), 1 / 3), atol=1e-3, rtol=0)


@pytest.mark.parametrize('balance, tau', [(0.5, 0.5), (0.5, 1.0), (1.0, 0.5)])
def test_drawing_rare_classes_more_often_and_adjusting_add_up(balance, tau):
    """Faces that tell nothing: what is learned are the shares to the power of what is left."""
    logits = torch.zeros(1, 3, requires_grad=True)
    adjust, drawn = knowing(LogitAdjustment(tau)), COUNTS[None] ** (1 - balance)
    optimizer = torch.optim.SGD([logits], lr=1.)
    for _ in range(2000):
        optimizer.zero_grad()
        F.cross_entropy(adjust(logits), drawn / drawn.sum()).backward()
        optimizer.step()
    left = COUNTS[None] ** (1 - balance - tau)
    torch.testing.assert_close(logits.softmax(1), left / left.sum(), atol=1e-3, rtol=0)


def test_an_empty_class_does_not_become_infinite():
    assert knowing(LogitAdjustment(), torch.tensor([5, 0, 2]))(torch.zeros(1, 3)).isfinite().all()


def test_the_prior_is_not_saved():
    assert not knowing(LogitAdjustment()).state_dict()


def test_counts_that_nobody_told_are_an_error():
    with pytest.raises(UserError, match='TwoStageFinetuneHook'):
        LogitAdjustment()(torch.zeros(1, 3))


@pytest.mark.parametrize('power', [0.5, 1.0])
def test_rare_pseudo_labels_weigh_more(power):
    loss = knowing(PseudoLabelLoss(class_power=power))
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    weights = torch.tensor([1., .5, 1., 0.])
    raw = [share**-power for share in (.9, .09, .01)]
    mean = sum(share * weight for share, weight in zip((.9, .09, .01), raw))
    expected = sum(float(w) * raw[label] / mean * float(F.cross_entropy(z[None], label[None]))
                   for z, label, w in zip(logits, labels, weights)) / 6
    assert float(loss(logits, labels, weights, total=6)) == pytest.approx(expected, rel=1e-5)
    soft = F.one_hot(labels, 3).float()
    torch.testing.assert_close(loss(logits, soft, weights, 6), loss(logits, labels, weights, 6))


def test_a_soft_label_weighs_what_its_classes_do_on_average():
    # Weights: a third of 1 / share.
    loss = knowing(PseudoLabelLoss(class_power=1.), torch.tensor([6, 3, 1]))
    soft, logits = torch.tensor([[.5, .25, .25]]), torch.randn(1, 3)
    weight = (.5 / .6 + .25 / .3 + .25 / .1) / 3
    expected = -weight * (soft * logits.log_softmax(1)).sum()
    torch.testing.assert_close(loss(logits, soft, torch.ones(1), total=1), expected)


def test_weights_of_soft_labels_keep_their_digits_in_mixed_precision():
    loss = knowing(PseudoLabelLoss(class_power=0.5))
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    with torch.autocast('cpu', torch.bfloat16):
        soft = loss(logits, F.one_hot(labels, 3).float(), torch.ones(4), 4)
    torch.testing.assert_close(soft, loss(logits, labels, torch.ones(4), 4))


def test_soft_pseudo_labels():
    logits, soft = torch.randn(4, 3), torch.softmax(torch.randn(4, 3), 1)
    expected = -(soft * logits.log_softmax(1)).sum() / 8
    torch.testing.assert_close(PseudoLabelLoss()(logits, soft, torch.ones(4), total=8), expected)


@pytest.mark.parametrize('build, word', [
    (lambda: LogitAdjustment(tau=-1), 'tau'), (lambda: PseudoLabelLoss(-1), 'class_power')])
def test_settings_out_of_range(build, word):
    with pytest.raises(UserError, match=word):
        build()
