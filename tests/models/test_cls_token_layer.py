"""A last layer that computes the cls token only is the whole layer, as far as anybody can see."""
from copy import deepcopy

import pytest
import torch
from mmpretrain.registry import MODELS

from ssfer_mm.models.cls_token_layer import (
    ClsTokenLayer,
    compute_all_tokens,
    compute_cls_token_only,
)
from ssfer_mm.profiling.arithmetic import count


def classifier(**backbone):
    arch = dict(embed_dims=24, num_layers=3, num_heads=4, feedforward_channels=48)
    settings = dict(type='VisionTransformer', arch=arch, img_size=16, patch_size=4)
    model = MODELS.build(dict(
        type='ImageClassifier', backbone=dict(settings, **backbone),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=24)))
    model.init_weights()
    for parameter in model.parameters():  # also what starts as 0, or 1e-5
        torch.nn.init.normal_(parameter, std=.2)
    return model.double()


def gradients(model, images):
    model.zero_grad()
    torch.manual_seed(1)  # for drop path
    logits = model(images)
    logits.square().sum().backward()
    return logits.detach(), {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize('settings', [
    dict(), dict(qkv_bias=False), dict(final_norm=False), dict(drop_path_rate=.3),
    dict(layer_scale_init_value=.1), dict(pre_norm=True),
], ids=str)
def test_logits_and_gradients_are_those_of_the_whole_layer(settings):
    whole = classifier(**settings).train()
    lean = deepcopy(whole)
    compute_cls_token_only(lean)
    assert isinstance(lean.backbone.layers[-1], ClsTokenLayer)
    images = torch.randn(6, 3, 16, 16, dtype=torch.float64)
    (expected, expected_gradients), (found, found_gradients) = (
        gradients(model, images) for model in (whole, lean))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    for name, gradient in expected_gradients.items():
        if gradient is None:
            assert found_gradients[name] is None, name
        else:
            torch.testing.assert_close(found_gradients[name], gradient, rtol=1e-9, atol=1e-10)
    assert list(lean.state_dict()) == list(whole.state_dict())


def test_it_leaves_out_most_of_the_layer():
    lean, images = classifier().eval(), torch.randn(1, 3, 16, 16, dtype=torch.float64)
    before = count(lambda: lean(images)).flops
    compute_cls_token_only(lean)
    tokens, width, hidden = 17, 24, 48
    layer = 2 * tokens * (3 * width + 2 * tokens + width + 2 * hidden) * width
    kept = 2 * width * (2 * width * tokens + 2 * width + 2 * tokens + 2 * hidden)
    assert before - count(lambda: lean(images)).flops == layer - kept


@pytest.mark.parametrize('what, settings', [
    ('all tokens are read', dict(out_type='raw')),
    ('the mean is read', dict(out_type='avg_featmap')),
    ('dropout would draw other numbers', dict(drop_rate=.1)),
    ('layers before the last are read too', dict(out_indices=[1, 2])),
])
def test_other_networks_are_left_alone(what, settings):
    model = MODELS.build(dict(
        type='ImageClassifier', backbone=dict(
            type='VisionTransformer', arch='deit-t', img_size=16, patch_size=4, **(
                settings if 'out_indices' not in settings else dict(out_indices=[10, 11])))))
    compute_cls_token_only(model)
    assert not any(isinstance(m, ClsTokenLayer) for m in model.modules()), what


@pytest.mark.parametrize('what, backbone', [
    ('it reads another token too', dict(type='DistilledVisionTransformer', arch='deit-t')),
    ('it has no tokens', dict(type='ResNet', depth=18)),
])
def test_other_backbones_are_left_alone(what, backbone):
    model = MODELS.build(dict(type='ImageClassifier', backbone=backbone))
    compute_cls_token_only(model)
    assert not any(isinstance(m, ClsTokenLayer) for m in model.modules()), what


@pytest.mark.parametrize('what, settings', [
    ('the values are added to what attention gives', dict(v_shortcut=True)),
    ('the width changes inside', dict(input_dims=12)),
    ('attention drops weights, without a module for it', dict(attn_drop=.1)),
])
def test_another_attention_is_left_alone(what, settings):
    model = classifier()
    for name, value in settings.items():
        assert getattr(model.backbone.layers[-1].attn, name) != value
        setattr(model.backbone.layers[-1].attn, name, value)
    compute_cls_token_only(model)
    assert not any(isinstance(m, ClsTokenLayer) for m in model.modules()), what


def test_copies_and_the_way_back():
    model = classifier()
    compute_cls_token_only(model)
    copy = deepcopy(model)
    compute_all_tokens(copy)
    assert isinstance(model.backbone.layers[-1], ClsTokenLayer)
    assert not isinstance(copy.backbone.layers[-1], ClsTokenLayer)
