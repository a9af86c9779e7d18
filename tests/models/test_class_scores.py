"""Backbone, neck, head and images that do not fit together are named, with what to set."""
import pytest
import torch
from mmpretrain.registry import MODELS
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.models.class_scores import class_scores
from support.models import ARCH, resnet, ssfer, vit

IMAGES = torch.zeros(2, 3, 16, 16)
MIXER = dict(type='MlpMixer', img_size=32, patch_size=8,
             arch=dict(embed_dims=16, num_layers=1, tokens_mlp_dims=8, channels_mlp_dims=16))
DEIT = dict(type='DistilledVisionTransformer', arch=dict(ARCH), img_size=16, patch_size=8)
DAVIT = dict(type='DaViT', arch=dict(embed_dims=8, depths=[1] * 4, num_heads=[1] * 4))
HIVIT = dict(type='HiViT', img_size=16, patch_size=16,
             arch=dict(embed_dims=16, depths=[1, 1, 6], num_heads=2))
POOL = dict(type='GlobalAveragePooling')
LEVELS = dict(type='ResNet', depth=18, stem_channels=4, base_channels=4, out_indices=(0, 1, 2, 3))
FUSE = dict(type='HRFuseScales', in_channels=(4, 8, 16, 32))


def linear(width):
    return dict(type='LinearClsHead', num_classes=3, in_channels=width)


@pytest.mark.parametrize('parts, told', [
    # the width of another backbone
    (dict(resnet(), head=linear(64)), ['head.in_channels is 64', 'head.in_channels=32']),
    (dict(vit(), head=dict(vit()['head'], in_channels=8)), ['head.in_channels=16']),
    # maps that nobody pools
    (dict(resnet(), neck=None), ['(B, 32, 1, 1)', 'neck.type=GlobalAveragePooling']),
    # a cls token, of which there is nothing to pool
    (dict(vit(), neck=POOL), ['GlobalAveragePooling', 'VisionTransformer gives, (B, 16)']),
    # two tokens, for a head that reads one
    (dict(vit(), backbone=DEIT, head=linear(16)), ['(B, 16) and (B, 16)', 'LinearClsHead']),
    # tokens, which that neck would take for one map: a single number per image
    (dict(vit(), backbone=dict(MIXER, img_size=16), neck=POOL, head=linear(16)),
     ['MlpMixer gives (B, 16, 4): set model.classifier.neck.dim=1']),
    (dict(vit(), backbone=dict(vit()['backbone'], out_type='raw'), neck=POOL, head=linear(16)),
     ['(B, 5, 16)', 'backbone.out_type=avg_featmap', 'neck=None']),
    # tokens, each of which a linear layer would score
    (dict(vit(), backbone=dict(MIXER, img_size=16), head=linear(16)),
     ['LinearClsHead scores every token', 'set model.classifier.neck.type=GlobalAveragePooling '
      'and model.classifier.neck.dim=1']),
    (dict(vit(), backbone=dict(vit()['backbone'], out_type='raw'), head=linear(16)),
     ['(B, 5, 16): set model.classifier.backbone.out_type=avg_featmap']),
    # maps of a neck that belongs to the backbone
    (dict(resnet(), backbone=LEVELS, neck=FUSE, head=linear(2048)),
     ["set model.classifier.neck to a list, [dict(type='HRFuseScales', ...), "
      "dict(type='GlobalAveragePooling')]"]),
    # built for images of another size
    (dict(vit(), backbone=MIXER, neck=POOL, head=linear(16)), ['16 x 16', 'backbone.img_size']),
    # which not every backbone calls so
    (dict(vit(), backbone=DAVIT, neck=POOL, head=linear(64)),
     ['): set model.classifier.backbone.pad_small_map=True, or']),
    # which mmpretrain's own counting of blocks forbids, whatever size the images have
    (dict(vit(), backbone=HIVIT, neck=POOL, head=linear(16)),
     ['): set the last of model.classifier.backbone.arch.depths to 7 or more, or ']),
    # for grey images, of whatever size, with a setting and without
    (dict(resnet(), backbone=dict(resnet()['backbone'], in_channels=1)),
     ['reads 1 channels, images have 3: set model.classifier.backbone.in_channels=3']),
    (dict(resnet(), backbone=dict(type='LeNet5'), neck=None, head=linear(84)),
     ['LeNet5 reads 1 channels, images have 3: take another backbone']),
])
def test_what_does_not_fit_is_named(parts, told):
    network = MODELS.build(parts)
    network.train()
    with pytest.raises(UserError) as error:
        class_scores(network, IMAGES)
    assert all(part in str(error.value) for part in told), error.value
    assert network.training


class TwoScores(nn.Module):
    """What ConformerHead gives."""

    def forward(self, features):
        return features[-1][:, :3], features[-1][:, 3:6]


def test_a_head_that_scores_twice():
    network = MODELS.build(vit())
    network.head = TwoScores()
    with pytest.raises(UserError, match='TwoScores gives 2 sets .* or take another backbone'):
        class_scores(network, IMAGES)


class Untrainable(nn.Module):

    def forward(self, features):
        raise NotImplementedError('no distillation')


def test_a_head_that_cannot_be_trained():
    network = MODELS.build(vit())
    network.head = Untrainable()
    with pytest.raises(UserError, match='head.distillation=False'):
        class_scores(network, IMAGES)


def test_an_auxiliary_classifier_takes_larger_images_than_the_network():
    network = MODELS.build(dict(
        type='ImageClassifier', head=dict(type='ClsHead'),
        backbone=dict(type='InceptionV3', num_classes=3, aux_logits=True, init_cfg=None)))
    with pytest.raises(UserError, match='set model.classifier.backbone.aux_logits=False'):
        class_scores(network.train(), torch.zeros(2, 3, 80, 80))


def test_other_errors_stay_what_they_are():
    network = MODELS.build(vit())
    network.head.register_forward_hook(lambda *_: {}['a mistake of ours'])
    with pytest.raises(KeyError, match='a mistake of ours'):
        class_scores(network, IMAGES)


@pytest.mark.parametrize('step', ['supervised', 'semi'])
def test_both_steps_of_the_recognizer_tell(step):
    model = MODELS.build(ssfer(dict(resnet(), head=linear(64))))
    inputs = dict(labeled=IMAGES, targets=torch.eye(3)[:2])
    if step == 'semi':
        inputs.update(weak=IMAGES, strong=IMAGES)
    samples = dict(labeled=[], unlabeled=[{}, {}])
    with pytest.raises(UserError, match='head.in_channels=32'):
        model(inputs, samples, mode='loss')
