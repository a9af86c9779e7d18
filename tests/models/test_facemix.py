"""FaceMix against the paper's formula, image by image, and what must hold for any batch."""
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpretrain.models.utils.batch_augments import RandomBatchAugment
from mmpretrain.registry import MODELS
from torch import nn

from reference import facemix as slow
from ssfer_mm import UserError
from ssfer_mm.models import FaceMix, FaceMixLoss, one_hot
from support.models import ssfer

NAN = float('nan')
NOTHING = [NAN] * 4
SIZE = 16


def make_batch(batch, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(batch, 3, SIZE, SIZE, generator=generator)
    targets = one_hot(torch.randint(classes, (batch, ), generator=generator), classes)
    return images, targets


def overlaps(rows, **options):
    boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
    return FaceMix(**options).pair_iou(boxes, len(boxes), (SIZE, SIZE))[0].tolist()


# ---- IoU ------------------------------------------------------------------------------------

A, B, HALF = [0, 0, 8, 8], [8, 8, 16, 16], [4, 0, 12, 8]
FIXED = [25 * SIZE / 224, 25 * SIZE / 224, 220 * SIZE / 224, 220 * SIZE / 224]


@pytest.mark.parametrize('rows, options, expected, why', [
    ([A, A], {}, 1, 'the same place'),
    ([A, B], {}, 0, 'they touch in a corner'),
    ([A, HALF], {}, 1 / 3, 'half of each'),
    ([[-8, -8, 8, 8], A], {}, 1, 'only the visible part counts'),
    ([[-8, -8, 8, 8], A], dict(extent='full'), 1 / 4, 'the part outside the view counts'),
    ([NOTHING, FIXED], {}, 1, 'one missing: the paper\'s box, scaled to the view'),
    ([NOTHING, NOTHING], {}, 1, 'both missing: the same fixed box twice'),
    ([NOTHING, A], dict(missing='no_overlap'), 0, 'one missing'),
    ([NOTHING, NOTHING], dict(missing='no_overlap'), 0, 'both missing'),
    ([A, A], dict(missing='no_overlap'), 1, 'none missing'),
    ([[20, 0, 30, 8], A], dict(missing='no_overlap'), 0, 'cropped away is missing'),
    ([[20, 0, 30, 8], FIXED], {}, 1, 'cropped away gets the fixed box'),
    ([[0, 20, 8, 30], FIXED], {}, 1, 'also at the bottom'),
    ([[20, 0, 30, 8], [20, 0, 30, 8]], dict(extent='full'), 1, 'outside the view, still known'),
])
def test_iou_of_a_pair(rows, options, expected, why):
    assert overlaps(rows, **options) == pytest.approx([expected] * 2, abs=1e-6), why


def test_which_boxes_are_missing():
    boxes = torch.tensor([A, NOTHING, [20, 0, 30, 8], [3, 3, 3, 9]])
    visible = FaceMix().pair_iou(boxes, 4, (SIZE, SIZE))[1]
    full = FaceMix(extent='full').pair_iou(boxes, 4, (SIZE, SIZE))[1]
    assert visible.tolist() == [False, True, True, True]
    assert full.tolist() == [False, True, False, True]


def test_views_may_be_wider_than_high():
    boxes = torch.tensor([[0., 0., 40., 20.], [-5., -5., 400., 400.]])
    iou, _ = FaceMix().pair_iou(boxes, 2, (20, 40))
    assert iou.tolist() == [1, 1]
    fixed = torch.tensor([NOTHING, [25 / 224 * 40, 25 / 224 * 20, 220 / 224 * 40, 220 / 224 * 20]])
    assert FaceMix().pair_iou(fixed, 2, (20, 40))[0].tolist() == pytest.approx([1, 1])


def test_the_fixed_box_is_scaled_from_its_own_size():
    boxes = torch.tensor([NOTHING, [2., 4., 12., 14.]])
    mix = FaceMix(fixed_box=(1, 2, 6, 7), fixed_size=8)
    assert mix.pair_iou(boxes, 2, (SIZE, SIZE))[0].tolist() == pytest.approx([1, 1])


def test_tight_crops_say_nothing_when_clipped():
    """Faces that fill the raw image, seen through random crops: every visible box is the view."""
    generator = np.random.default_rng(0)
    corner, scale = -generator.uniform(0, 20, (32, 2)), generator.uniform(1.5, 2.2, (32, 1))
    boxes = torch.tensor(np.hstack([corner, corner + 48 * scale]), dtype=torch.float32)
    visible, _ = FaceMix().pair_iou(boxes, 32, (48, 48))
    full, _ = FaceMix(extent='full').pair_iou(boxes, 32, (48, 48))
    assert visible.tolist() == [1] * 32
    assert full.std() > 0.05 and full.max() < 1


# ---- the whole loss -------------------------------------------------------------------------

ROWS = [A, [2, 2, 10, 12], NOTHING, [-8, -8, 8, 8], HALF, [1, 1, 9, 14]]


@pytest.mark.parametrize('extent', ['visible', 'full'])
@pytest.mark.parametrize('missing', ['fixed', 'no_overlap'])
@pytest.mark.parametrize('batch', [1, 2, 5, 6])
def test_loss_and_gradients_are_the_papers(batch, extent, missing):
    images, targets = make_batch(batch)
    boxes = torch.tensor((ROWS)[:batch], dtype=torch.float32)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 3)).double()
    mixed = FaceMix(extent=extent, missing=missing).mix(images.double(), targets.double(), boxes)
    counts = mixed.real_weight > 0
    loss = FaceMixLoss()(net(mixed.mixed), mixed.mixed_targets, net(mixed.images[counts]),
                         mixed.targets[counts], mixed.real_weight[counts].double())
    loss.backward()
    gradients = [p.grad.clone() for p in net.parameters()]

    net.zero_grad()
    iou = slow.pair_overlaps(boxes.tolist(), SIZE, extent, missing)
    expected = slow.facemix_loss(lambda image: net(image[None])[0], images.double(),
                                 targets.tolist(), iou, mixed.lam, 0.1)
    expected.backward()
    assert mixed.iou.tolist() == pytest.approx(iou, abs=1e-6)
    # Logits are taken in single precision inside the loss.
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for ours, theirs in zip(gradients, net.parameters()):
        torch.testing.assert_close(ours, theirs.grad, rtol=1e-4, atol=1e-5)


def test_the_models_facemix_step_is_the_papers():
    """The same through SSFER itself: one pass over mixed and real images, zero weights left out."""
    model = MODELS.build(ssfer(facemix=dict(type='FaceMix')))
    images, targets = make_batch(6)
    boxes = torch.tensor([A, B, HALF, HALF, A, A], dtype=torch.float32)
    batch = FaceMix().mix(images, targets, boxes)
    assert batch.iou[2] == 1, 'one pair must have no weight'
    losses = model.supervised_step(dict(labeled=images, targets=targets, facemix=batch))
    losses['loss_facemix'].backward()
    gradients = {n: p.grad.clone() for n, p in model.student.named_parameters()}

    model.zero_grad()
    iou = slow.pair_overlaps(boxes.tolist(), SIZE)
    expected = slow.facemix_loss(lambda image: model.student(image[None])[0], images,
                                 targets.tolist(), iou, batch.lam, 0.1)
    expected.backward()
    assert losses['loss_facemix'].item() == pytest.approx(expected.item(), rel=1e-4)
    for name, parameter in model.student.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=2e-3, atol=2e-5)
    assert float(losses['iou_mean']) == pytest.approx(np.mean(iou), abs=1e-6)
    assert float(losses['iou_std']) == pytest.approx(np.std(iou), abs=1e-6)


def test_nothing_is_changed_in_place():
    images, targets = make_batch(4)
    boxes = torch.tensor(ROWS[:4], dtype=torch.float32)
    before = [t.clone() for t in (images, targets, boxes)]
    mixed = FaceMix(missing='no_overlap').mix(images, targets, boxes)
    for now, old in zip((images, targets, boxes), before):
        torch.testing.assert_close(now, old, rtol=0, atol=0, equal_nan=True)
    assert mixed.images is images and mixed.targets is targets
    mixed.mixed.zero_()
    mixed.mixed_targets.zero_()
    assert torch.equal(images, before[0]) and torch.equal(targets, before[1])


def test_middle_of_an_odd_batch_stays_unmixed_and_counts_once():
    images, targets = make_batch(5)
    for missing in ('fixed', 'no_overlap'):
        boxes = torch.tensor([A, A, NOTHING, B, B], dtype=torch.float32)
        mixed = FaceMix(missing=missing).mix(images, targets, boxes)
        torch.testing.assert_close(mixed.mixed[2], images[2])
        assert mixed.real_weight.tolist() == [2, 2, 0, 2, 2]
    constant = FaceMix(real_weight=0.4).mix(images, targets, boxes)
    assert constant.real_weight.tolist() == pytest.approx([0.4, 0.4, 0, 0.4, 0.4])


# ---- plain Mixup ----------------------------------------------------------------------------


def mixup(images, scores, lam, smoothing):
    scores = scores * (1 - smoothing) + smoothing / scores.shape[1]
    return [lam * t + (1 - lam) * t[torch.arange(len(t) - 1, -1, -1)] for t in (images, scores)]


def test_without_boxes_it_is_plain_mixup():
    images, targets = make_batch(6)
    mixed = FaceMix().mix(images, targets)
    expected = mixup(images, targets, mixed.lam, 0.1)
    torch.testing.assert_close([mixed.mixed, mixed.mixed_targets], expected)
    assert mixed.real_weight.tolist() == [0] * 6
    assert mixed.iou.isnan().all() and mixed.missing.all()


def test_stock_batch_augment_calls_it(monkeypatch):
    images, targets = make_batch(4)
    augment = RandomBatchAugment(dict(type='FaceMix', label_smoothing=0), probs=None)
    monkeypatch.setattr(np.random, 'beta', lambda a, b: 0.3)
    inputs, scores = augment(images, targets.long())
    torch.testing.assert_close([inputs, scores], mixup(images, targets, 0.3, 0))


def test_lam_follows_beta():
    images, targets = make_batch(2)
    lams = {alpha: np.array([FaceMix(alpha=alpha).mix(images, targets).lam for _ in range(400)])
            for alpha in (1.0, 50.0)}
    # Beta(1, 1) is uniform: deviation sqrt(1/12); Beta(50, 50) has sqrt(1/404).
    for alpha, deviation in ((1.0, 12**-0.5), (50.0, 404**-0.5)):
        assert lams[alpha].mean() == pytest.approx(0.5, abs=0.06)
        assert lams[alpha].std() == pytest.approx(deviation, rel=0.15)


# ---- any batch ------------------------------------------------------------------------------

# Thousandths: a box that is thinner than float32 can tell has no width any more when mirrored.
edge = st.one_of(st.integers(-30_000, 50_000).map(lambda n: n / 1000),
                 st.integers(-4, 20).map(float))
box = st.one_of(st.just(NOTHING), st.lists(edge, min_size=4, max_size=4))
options = st.fixed_dictionaries(dict(
    extent=st.sampled_from(['visible', 'full']), missing=st.sampled_from(['fixed', 'no_overlap'])))


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(box, min_size=1, max_size=7), options=options, seed=st.integers(0, 99))
def test_properties_of_any_batch(rows, options, seed):
    images, targets = make_batch(len(rows), seed=seed)
    boxes = torch.tensor(rows, dtype=torch.float32)
    mixed = FaceMix(**options).mix(images, targets, boxes)
    assert torch.equal(mixed.iou, mixed.iou.flip(0)), 'a pair has one IoU'
    assert ((mixed.iou >= 0) & (mixed.iou <= 1)).all()
    assert ((mixed.real_weight >= 0) & (mixed.real_weight <= 2)).all()
    torch.testing.assert_close(mixed.real_weight, 2 * (1 - mixed.iou))
    assert 0 <= mixed.lam <= 1
    torch.testing.assert_close(mixed.mixed_targets.sum(1), torch.ones(len(rows)))
    torch.testing.assert_close(mixed.mixed + mixed.mixed.flip(0), images + images.flip(0))
    if len(rows) % 2:
        assert mixed.iou[len(rows) // 2] == 1


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(box, min_size=2, max_size=6), options=options)
def test_symmetries(rows, options):
    """Neither mirrored views nor the reversed batch change any pair's IoU."""
    boxes = torch.tensor(rows, dtype=torch.float32)
    mix, view = FaceMix(**dict(options, fixed_box=(30, 25, 194, 220))), (SIZE, SIZE)
    iou, missing = mix.pair_iou(boxes, len(rows), view)
    mirrored = torch.stack([SIZE - boxes[:, 2], boxes[:, 1], SIZE - boxes[:, 0], boxes[:, 3]], 1)
    torch.testing.assert_close(mix.pair_iou(mirrored, len(rows), view)[0], iou, atol=1e-4, rtol=0)
    reverse_iou, reverse_missing = mix.pair_iou(boxes.flip(0), len(rows), view)
    torch.testing.assert_close(reverse_iou, iou.flip(0))
    assert torch.equal(reverse_missing, missing.flip(0))


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize('options, word', [
    (dict(alpha=0), 'alpha'),
    (dict(label_smoothing=1), 'label_smoothing'),
    (dict(extent='half'), 'extent'),
    (dict(missing='drop'), 'missing'),
    (dict(real_weight='half'), 'real_weight'),
    (dict(real_weight=-1), 'real_weight'),
])
def test_settings_out_of_range(options, word):
    with pytest.raises(UserError, match=word):
        FaceMix(**options)


def test_shapes_that_do_not_belong_together():
    images, targets = make_batch(4)
    with pytest.raises(UserError, match='one row of class scores per image'):
        FaceMix().mix(images, targets[:3])
    with pytest.raises(UserError, match=r'boxes of shape \(4, 4\)'):
        FaceMix().mix(images, targets, torch.zeros(3, 4))


def test_reference_agrees_with_itself_on_a_hand_computed_case():
    """Two images, disjoint faces, uniform logits: (1 + 2) ln 3."""
    loss = slow.facemix_loss(lambda image: torch.zeros(3), torch.zeros(2, 1),
                             [[1., 0, 0], [0, 1., 0]], [0, 0], 0.3, 0.1)
    assert float(loss) == pytest.approx(3 * math.log(3))
