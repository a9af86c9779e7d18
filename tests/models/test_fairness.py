"""FreeMatch's fairness loss against loops, and which way it pulls."""
import io

import pytest
import torch
from mmpretrain.registry import MODELS

from reference import fairness as slow
from ssfer_mm import UserError
from ssfer_mm.models import ConfidenceThreshold, SelfAdaptiveFairness
from support.processes import together


def build(**options):
    loss = MODELS.build(dict(type='SelfAdaptiveFairness', **options))
    loss.set_classes(3)
    return loss


def batches(count=5, images=8):
    draw = torch.Generator().manual_seed(0)
    for _ in range(count):
        logits = 2 * torch.randn(images, 3, generator=draw)
        weak = torch.softmax(2 * torch.randn(images, 3, generator=draw), 1)
        yield logits, ConfidenceThreshold(0.6)(weak)


@pytest.mark.parametrize('warmup', [False, True])
def test_the_loss_is_a_loop(warmup):
    loss = build(weight=0.3, momentum=0.8, warmup=warmup)
    values = [float(loss(logits, pseudo.weights, pseudo, 8)) for logits, pseudo in batches()]
    expected = slow.self_adaptive_fairness(
        [(logits.tolist(), pseudo.weights.tolist(), pseudo.probabilities.tolist())
         for logits, pseudo in batches()], 0.3, 0.8, warmup)
    assert values == pytest.approx(expected, rel=1e-4) and max(values) < 0


def test_it_is_enough_to_give_the_accepted_images():
    (logits, pseudo), = batches(1)
    kept = pseudo.weights > 0
    assert 0 < kept.sum() < 8
    whole = build()(logits, pseudo.weights, pseudo, 8)
    torch.testing.assert_close(build()(logits[kept], pseudo.weights[kept], pseudo, 8), whole)


def test_the_order_of_images_does_not_matter():
    (logits, pseudo), = batches(1)
    order = torch.randperm(8)
    mixed = type(pseudo)(*(part[order] for part in pseudo))
    torch.testing.assert_close(build()(logits[order], mixed.weights, mixed, 8),
                               build()(logits, pseudo.weights, pseudo, 8))


def test_a_class_that_wins_more_than_it_is_worth_is_pushed_down():
    # The averages are even. Class 0 wins three times by a little, class 1 once by much.
    logits = torch.tensor([[.2, 0., -9.], [.2, 0., -9.], [.2, 0., -9.], [0., 4., -9.]],
                          requires_grad=True)
    pseudo = ConfidenceThreshold(0.1)(torch.eye(3)[[0, 1, 2, 0]])
    build(momentum=1., warmup=False)(logits, torch.ones(4), pseudo, 4).backward()
    assert (logits.grad[:, 0] > 0).all() and (logits.grad[:, 1] < 0).all()


def test_batches_as_usual_are_left_alone():
    """Where a = b, nothing moves."""
    weak = torch.softmax(torch.randn(6, 3), 1)
    logits = weak.log().requires_grad_()
    pseudo = ConfidenceThreshold(0.01)(weak)
    build(momentum=0., warmup=False)(logits, torch.ones(6), pseudo, 6).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(6, 3), rtol=0, atol=1e-7)


def test_an_image_that_hardly_counts_does_not_decide_though_it_alone_names_a_class():
    draw = torch.Generator().manual_seed(0)
    # Class 2 is named by the last image alone, and as its own second.
    logits = torch.randn(8, 3, generator=draw) - torch.tensor([0., 0., 9.])
    logits[7] = torch.tensor([0., 0., 0.1])
    pseudo = ConfidenceThreshold(0.1)(torch.softmax(torch.randn(8, 3, generator=draw), 1))
    results = []
    for weight in (0., 1e-6, 1.):
        weights = torch.ones(8)
        weights[7] = weight
        given = logits.clone().requires_grad_()
        loss = build(weight=1.)(given, weights, pseudo, 8)
        loss.backward()
        results.append((loss.detach(), given.grad))
    (without, still), (hardly, moved), (fully, _) = results
    assert abs(hardly - without) < 1e-3 and (moved - still).abs().max() < 1e-3
    assert abs(fully - without) > 0.1, 'a whole vote does count'


@pytest.mark.parametrize('kept', [slice(None), slice(0)])
def test_a_batch_without_pseudo_labels_costs_nothing(kept):
    (logits, pseudo), = batches(1)
    logits.requires_grad_()
    loss = build()(logits[kept], torch.zeros(8)[kept], pseudo, 8)
    loss.backward()
    assert float(loss) == 0 and not logits.grad.any()


def test_a_resumed_run_has_the_losses_of_one_that_never_stopped():
    every = list(batches())
    whole, first, second = build(), build(), build()
    expected = [whole(logits, pseudo.weights, pseudo, 8) for logits, pseudo in every]
    for logits, pseudo in every[:2]:
        first(logits, pseudo.weights, pseudo, 8)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file))
    for (logits, pseudo), value in zip(every[2:], expected[2:]):
        assert torch.equal(second(logits, pseudo.weights, pseudo, 8), value)


def test_two_processes_are_one(tmp_path):
    alone = build(momentum=0.8)
    expected = losses_and_gradients(alone, slice(None), 8)
    parts = together(2, half_of_each, tmp_path)
    for losses, _, state in parts:
        torch.testing.assert_close(losses, expected[0])
        torch.testing.assert_close(state['average.value'], alone.average.value)
    # What the processes take of their gradients is the mean.
    halves = torch.cat([gradients / 2 for _, gradients, _ in parts], dim=1)
    torch.testing.assert_close(halves, expected[1])


def losses_and_gradients(loss, mine, total):
    losses, gradients = [], []
    for logits, pseudo in batches():
        logits = logits[mine].clone().requires_grad_()
        pseudo = type(pseudo)(*(part[mine] for part in pseudo))
        # The processes keep unequally many of their images.
        kept = pseudo.weights > 0
        losses.append(loss(logits[kept], pseudo.weights[kept], pseudo, total))
        losses[-1].backward()
        gradients.append(logits.grad)
    return torch.stack(losses).detach(), torch.stack(gradients)


def half_of_each():
    rank = torch.distributed.get_rank()
    loss = build(momentum=0.8)
    result = losses_and_gradients(loss, slice(4 * rank, 4 * rank + 4), 4)
    return *result, loss.state_dict()


@pytest.mark.parametrize('options, word', [(dict(weight=-1), 'weight'),
                                           (dict(momentum=2), 'momentum')])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        SelfAdaptiveFairness(**options).set_classes(3)
