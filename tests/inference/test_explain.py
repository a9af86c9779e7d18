"""Maps of evidence: exact where the read-out is linear, and there for every kind of backbone."""
import pytest
import torch
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.inference.explain import class_evidence
from support.models import resnet, vit


def build(config):
    model = MODELS.build(config)
    for parameter in model.parameters():  # heads begin with weights near 0
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.eval()
    return model


def peak_is_one(evidence):
    return evidence / evidence.amax((1, 2), keepdim=True)


def test_of_a_pooling_cnn_it_is_the_class_activation_map():
    model, images, classes = build(resnet()), torch.randn(2, 3, 64, 64), [2, 0]
    features = model.backbone(images)[-1]  # (2, 32, 2, 2)
    scores = torch.einsum('kc,nchw->nkhw', model.head.fc.weight, features)
    maps = torch.stack([scores[n, k] for n, k in enumerate(classes)])
    expected = peak_is_one((maps - maps.mean((1, 2), keepdim=True)).clamp(min=0))
    torch.testing.assert_close(class_evidence(model, images, classes), expected)


def test_of_a_vit_whose_tokens_are_read_in_place_it_is_what_an_average_token_would_lose():
    config = vit(img_size=32, out_type='raw')
    config['neck'] = dict(type='LinearNeck', in_channels=17 * 16, out_channels=8, norm_cfg=None,
                          act_cfg=None)
    config['head'] = dict(type='LinearClsHead', num_classes=3, in_channels=8)
    model, images = build(config), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        tokens, = model.backbone(images)  # (1, 1 + 16, 16)
        score = model.head(model.neck((tokens,)))[0, 1]
        lost = torch.zeros(16)
        for place in range(16):
            average = tokens.clone()
            average[:, 1 + place] = tokens[:, 1:].mean(1)
            lost[place] = score - model.head(model.neck((average,)))[0, 1]
    expected = peak_is_one(lost.clamp(min=0).view(1, 4, 4))
    torch.testing.assert_close(class_evidence(model, images, [1]), expected, atol=1e-4, rtol=1e-4)


def convnext():
    arch = dict(depths=[1, 1, 1, 1], channels=[4, 4, 8, 8])
    return dict(type='ImageClassifier', backbone=dict(type='ConvNeXt', arch=arch),
                head=dict(type='LinearClsHead', num_classes=3, in_channels=8))


def swin():
    arch = dict(embed_dims=4, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1])
    return dict(type='ImageClassifier',
                backbone=dict(type='SwinTransformer', arch=arch, img_size=64, window_size=2),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(type='LinearClsHead', num_classes=3, in_channels=32))


def mean_vit():
    config = vit(img_size=32, out_type='avg_featmap')
    return dict(config, head=dict(type='LinearClsHead', num_classes=3, in_channels=16))


@pytest.mark.parametrize('config, size, grid', [
    (vit(img_size=32), 32, 4), (mean_vit(), 32, 4), (convnext(), 64, 2), (swin(), 64, 2)],
    ids=['vit, cls token', 'vit, mean of tokens', 'convnext', 'swin'])
def test_every_kind_of_backbone(config, size, grid):
    model = build(config)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    images = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        evidence = class_evidence(model, images, [0, 2])
    assert evidence.shape == (2, grid, grid) and (evidence >= 0).all()
    assert evidence.amax((1, 2)).tolist() == pytest.approx([1, 1])
    assert not torch.equal(evidence[0], evidence[1])
    assert not any(module._forward_hooks for module in model.modules())


def test_features_without_places():
    with pytest.raises(UserError, match='ResNet has no map'):
        class_evidence(build(resnet()), torch.randn(1, 3, 32, 32), [0])
