"""Masks that follow the face: weights where they belong, and as many hidden patches as ever."""
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from reference.face_masking import place_of_patch, weight_of_patch
from ssfer_mm import UserError
from ssfer_mm.images.name import ImageName
from ssfer_mm.models.face_masking import FACE_MAP, hiding_order, patch_weights
from support.models import mae

NAN = float('nan')


@st.composite
def boxes(draw):
    x, y = draw(st.floats(-30, 40)), draw(st.floats(-30, 40))
    return (x, y, x + draw(st.floats(4.5, 90)), y + draw(st.floats(4.5, 90)))


def on_a_border(place):
    """Rounding decides to which of two cells such a center falls: either is right."""
    return any(math.isfinite(way) and abs(way - round(way)) < 1e-4 for way in place)


@settings(max_examples=80, deadline=None)
@example([(0., -6., 5., 45.)] * 2, (6, 6))  # centers on borders
@given(st.lists(boxes(), min_size=1, max_size=3), st.sampled_from([(6, 6), (3, 5)]))
def test_weights_against_one_patch_at_a_time(faces, grid):
    view = (48, 40)
    given_boxes = torch.tensor([*faces, (NAN, ) * 4], dtype=torch.float64)
    weights = patch_weights(given_boxes, view, grid, torch.tensor(FACE_MAP))
    for box, row_of_weights in zip(given_boxes.tolist(), weights.tolist()):
        for patch, weight in enumerate(row_of_weights):
            where = (*divmod(patch, grid[1]), box, view, grid, FACE_MAP)
            if not on_a_border(place_of_patch(*where)):
                assert weight == weight_of_patch(*where), where
    assert set(weights[-1].tolist()) == {1.0}, 'no box, no preference'


WIDE = ((5., 2., 5.), (7., 9., 7.), (3., 4., 3.), (6., 8., 6.))  # rows, columns differ; none is 1


def test_a_map_of_any_shape_and_its_lowest_weight_outside():
    box, view, grid = (7., 3., 29., 41.), (48, 40), (6, 5)
    weights = patch_weights(torch.tensor([box]), view, grid, torch.tensor(WIDE))[0]
    assert weights.tolist() == [weight_of_patch(*divmod(patch, 5), box, view, grid, WIDE)
                                for patch in range(30)]
    assert weights[0] == 2 and len(set(weights.tolist())) > 5


def test_a_tight_crop_gets_the_map_itself():
    weights = patch_weights(torch.tensor([[0., 0, 48, 48]]), (48, 48), (6, 6),
                            torch.tensor(FACE_MAP))
    assert torch.equal(weights.view(6, 6), torch.tensor(FACE_MAP))


def test_a_face_that_was_cropped_away_weighs_nowhere():
    weights = patch_weights(torch.tensor([[60., 0, 90, 30], [5., 5, 5, 5]]), (48, 48), (6, 6),
                            torch.tensor(FACE_MAP))
    assert set(weights.flatten().tolist()) == {1.0}


def test_the_last_place_is_drawn_in_proportion_to_the_weights():
    torch.manual_seed(0)
    weights = torch.tensor([1., 2., 3., 4.])
    order = hiding_order(weights.expand(20000, 4))
    assert torch.equal(order.sort(dim=1).values, torch.arange(4).expand(20000, 4))
    last = torch.bincount(order[:, -1], minlength=4) / 20000
    torch.testing.assert_close(last, weights / 10, atol=0.015, rtol=0)
    # And the one before it in proportion to what is left.
    rest = order[order[:, -1] == 3]
    before = torch.bincount(rest[:, -2], minlength=4)[:3] / len(rest)
    torch.testing.assert_close(before, weights[:3] / 6, atol=0.02, rtol=0)


def build(**options):
    cfg = mae(img_size=48)
    cfg.update(type='FaceMAE', **options)
    cfg['backbone']['type'] = 'FaceMAEViT'
    return MODELS.build(cfg)


def samples(*given_boxes):
    result = [DataSample() for _ in given_boxes]
    for sample, box in zip(result, given_boxes):
        sample.set_field(torch.tensor(box), 'face_box')
    return result


def test_the_step_hides_eyes_and_mouth_more_often_and_as_many_patches():
    model, masks = build().train(), []
    loss_of = model.head.loss
    model.head.loss = lambda pred, target, mask: masks.append(mask) or loss_of(pred, target, mask)
    tight = samples(*[(0., 0., 48., 48.)] * 200, *[(NAN, ) * 4] * 200)
    losses = model.loss(torch.randn(400, 3, 48, 48), tight)
    losses['loss'].backward()
    assert math.isfinite(losses['loss'].item())
    mask = masks[0]
    assert set(mask.sum(1).tolist()) == {18.0}, 'half of 36'
    hidden = mask[:200].mean(0).view(6, 6)
    heavy = torch.tensor(FACE_MAP) == 3
    assert hidden[heavy].mean() > hidden[torch.tensor(FACE_MAP) == 1].mean() + 0.2
    assert mask[200:].mean(0).std() < 0.06, 'without a box all patches alike'
    assert model.backbone.patch_weights is None


def test_boxes_may_lie_on_another_device_than_the_map():
    weights = patch_weights(torch.zeros(2, 4, device='meta'), (48, 48), (6, 6),
                            torch.tensor(FACE_MAP))
    assert weights.shape == (2, 36) and weights.device.type == 'meta'


def test_visible_tokens_and_mask_belong_together():
    model = build()
    model.backbone.patch_weights = torch.ones(5, 36)
    tokens = torch.arange(36.).view(1, 36, 1).expand(5, 36, 1)
    visible, mask, restore = model.backbone.random_masking(tokens, 0.75)
    for row in range(5):
        assert sorted(visible[row, :, 0].tolist()) == (1 - mask[row]).nonzero().flatten().tolist()
    filled = torch.cat([visible, torch.full((5, 27, 1), -1.)], dim=1)
    back = filled.gather(1, restore[..., None])[..., 0]
    assert torch.equal(torch.where(back < 0, -torch.ones(5, 36), tokens[..., 0]), back)


def test_without_weights_it_is_the_plain_backbone():
    model = build()
    plain = MODELS.build(mae(img_size=48)).backbone
    torch.manual_seed(3)
    ours = model.backbone.random_masking(torch.randn(2, 36, 4), 0.75)[1]
    torch.manual_seed(3)
    assert torch.equal(plain.random_masking(torch.randn(2, 36, 4), 0.75)[1], ours)
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in MODELS.build(mae(img_size=48)).state_dict().items()}


@pytest.mark.parametrize('mask_map, words', [
    ([[1, 2, 3]], 'same from the right'),
    ([[1, 0, 1]], 'each weight of mask_map must be a number > 0, got 0'),
    ([[1, NAN, 1]], 'number > 0, got nan'),
    ([[1, float('inf'), 1]], 'number > 0, got inf'),
    ([[1, '3', 1]], "number > 0, got '3'"),
    ([[1, 1], [1]], 'rows of equally many'),
    ([[], []], 'rows of equally many'),
    ([1, 3, 1], 'rows of equally many'),
    ([], 'rows of equally many'),
    (3, 'rows of equally many'),
])
def test_maps_that_are_none(mask_map, words):
    with pytest.raises(UserError, match=words):
        build(mask_map=mask_map)


def test_what_to_change_where_boxes_or_the_backbone_are_missing():
    with pytest.raises(UserError, match="boxes to 'image'"):
        build().loss(torch.randn(1, 3, 48, 48), [DataSample()])
    with pytest.raises(UserError, match='let the pipeline end with PackFace'):
        build().loss(torch.randn(1, 3, 48, 48), [ImageName('face_box.png')])
    with pytest.raises(UserError, match='model.backbone.type=FaceMAEViT'):
        MODELS.build(dict(mae(img_size=48), type='FaceMAE'))
