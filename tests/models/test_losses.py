"""The losses against torch's and against plain loops."""
import pytest
import torch
import torch.nn.functional as F

from reference import pseudo_labels as slow
from ssfer_mm import UserError
from ssfer_mm.models import (
    ConfidenceThreshold,
    FaceMixLoss,
    PseudoLabelLoss,
    one_hot,
    soft_cross_entropy,
)


def test_mixed_precision_does_not_round_the_losses():
    logits = (torch.randn(7, 5) * 4).bfloat16()
    labels = torch.arange(7) % 5
    expected = F.cross_entropy(logits.float(), labels, reduction='none')
    for loss, value in ((soft_cross_entropy(logits, one_hot(labels, 5)), expected),
                        (PseudoLabelLoss()(logits, labels, torch.ones(7), 7), expected.mean())):
        torch.testing.assert_close(loss, value)


def test_soft_cross_entropy_is_torchs():
    logits, targets = torch.randn(7, 5) * 4, torch.softmax(torch.randn(7, 5), 1)
    torch.testing.assert_close(
        soft_cross_entropy(logits, targets), F.cross_entropy(logits, targets, reduction='none'))
    labels = torch.arange(5)
    torch.testing.assert_close(
        soft_cross_entropy(logits[:5], one_hot(labels, 5)),
        F.cross_entropy(logits[:5], labels, reduction='none'))


def test_soft_cross_entropy_does_not_overflow():
    logits = torch.tensor([[6e4, -6e4]], dtype=torch.float16)
    loss = soft_cross_entropy(logits, torch.tensor([[0., 1.]]))
    assert loss.dtype == torch.float32 and float(loss) == pytest.approx(1.2e5, rel=1e-2)


def test_facemix_loss_divides_by_the_mixed_images():
    """Five mixed images, of which two real ones have a weight."""
    mixed, targets = torch.randn(5, 3), torch.softmax(torch.randn(5, 3), 1)
    real, labels, weight = torch.randn(2, 3), torch.tensor([2, 0]), torch.tensor([2.0, 0.5])
    expected = (F.cross_entropy(mixed, targets, reduction='sum') + 2.0 * F.cross_entropy(
        real[:1], labels[:1]) + 0.5 * F.cross_entropy(real[1:], labels[1:])) / 5
    loss = FaceMixLoss()(mixed, targets, real, one_hot(labels, 3), weight)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(FaceMixLoss()(mixed, targets), F.cross_entropy(mixed, targets))


@pytest.mark.parametrize('threshold', [0.34, 0.5, 0.7, 1.0])
def test_pseudo_labels_and_their_loss(threshold):
    probabilities = torch.softmax(3 * torch.randn(20, 3), 1)
    strong = torch.randn(20, 3)
    pseudo = ConfidenceThreshold(threshold)(probabilities)
    judged = slow.pseudo_labels(probabilities.tolist(), threshold)
    assert list(zip(pseudo.labels.tolist(), (pseudo.weights > 0).tolist())) == judged
    assert set(pseudo.weights.tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(pseudo.confidence, probabilities.amax(1))

    loss = PseudoLabelLoss()
    every = loss(strong, pseudo.labels, pseudo.weights, total=20)
    kept = pseudo.weights > 0
    some = loss(strong[kept], pseudo.labels[kept], pseudo.weights[kept], total=20)
    expected = slow.unlabeled_loss(strong.tolist(), judged)
    assert float(every) == pytest.approx(expected, abs=1e-5)
    assert float(some) == pytest.approx(expected, abs=1e-5)


def test_a_confidence_of_exactly_tau_is_accepted():
    assert ConfidenceThreshold(0.75)(torch.tensor([[0.75, 0.25]])).weights.tolist() == [1.0]


def test_no_accepted_pseudo_label_is_a_loss_of_zero():
    empty = torch.empty(0, 3)
    loss = PseudoLabelLoss()(empty, torch.empty(0, dtype=torch.long), torch.empty(0), total=4)
    assert float(loss) == 0 and loss.ndim == 0


@pytest.mark.parametrize('threshold', [0, -0.1, 1.1])
def test_threshold_out_of_range(threshold):
    with pytest.raises(UserError, match='threshold must be a number in'):
        ConfidenceThreshold(threshold)
