"""Encoders of MoCo, DINO, BYOL, SimCLR, lightly, ...: the features of the loaded backbone are the
source's."""
import argparse
import copy

import pytest
import timm
import torch
import torchvision
from mmpretrain.registry import MODELS
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.models import load_backbone
from support.models import resnet, vit

FACES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def distinct(network):
    """Its weights and statistics unlike those of any other; in evaluation mode."""
    for value in network.state_dict().values():
        if value.is_floating_point():
            value += .1 * torch.rand_like(value)
    return network.eval()


def mlp(*sizes):
    return nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])))


class TorchvisionResNet:
    """ResNet-18 of an eighth of the width, as torchvision names it."""
    target = dict(resnet()['backbone'], stem_channels=64, base_channels=64)

    @staticmethod
    def network(head=None):
        network = torchvision.models.resnet18()
        network.fc = head or nn.Identity()
        return distinct(network)

    @staticmethod
    def features(network):
        """Of the last stage, averaged."""
        body = copy.deepcopy(network)
        body.fc = nn.Identity()
        return body(FACES)

    @staticmethod
    def loaded(backbone):
        return backbone(FACES)[-1].mean((2, 3))


class TimmViT:
    target = vit()['backbone']

    @staticmethod
    def network(head=None):
        network = timm.models.VisionTransformer(
            img_size=16, patch_size=8, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2,
            num_classes=0)
        network.head = head or nn.Identity()
        return distinct(network)

    @staticmethod
    def features(network):
        """The cls token."""
        return network.forward_features(FACES)[:, 0]

    @staticmethod
    def loaded(backbone):
        return backbone(FACES)[-1]


RESNET, VIT = TorchvisionResNet, TimmViT


def names(prefix, module):
    return {f'{prefix}.{name}': value for name, value in module.state_dict().items()}


def moco_v2(kind):
    taken, average = kind.network(mlp(512, 8, 4)), kind.network(mlp(512, 8, 4))
    state = {**names('module.encoder_k', average), **names('module.encoder_q', taken),
             'module.queue': torch.rand(4, 8), 'module.queue_ptr': torch.zeros(1)}
    return taken, dict(epoch=1, arch='resnet18', state_dict=state, optimizer=dict(state={}))


def moco_v3(kind):
    taken = kind.network(mlp(16, 8, 4))
    state = {**names('module.base_encoder', taken), **names('module.predictor', mlp(4, 4)),
             **names('module.momentum_encoder', kind.network(mlp(16, 8, 4)))}
    return taken, dict(state_dict=state)


def dino(kind):
    taken = kind.network()
    head = dict(mlp=mlp(16, 8, 4))
    teacher, student = nn.ModuleDict(dict(backbone=taken, head=nn.ModuleDict(head))), \
        nn.ModuleDict(dict(backbone=kind.network(), head=nn.ModuleDict(head)))
    return taken, dict(
        student=nn.DataParallel(student).state_dict(), teacher=teacher.state_dict(), epoch=3,
        optimizer=dict(state={}, param_groups=[]), args=argparse.Namespace(lr=.1),
        dino_loss=dict(center=torch.zeros(1, 4)))


def dino_in_parallel(kind):
    taken, checkpoint = dino(kind)
    checkpoint['teacher'] = {f'module.{k}': v for k, v in checkpoint['teacher'].items()}
    return taken, checkpoint


def byol(kind):
    taken = kind.network()
    state = {**names('net', taken), **names('online_encoder.net', taken),
             **names('online_encoder.projector', mlp(8, 4)),
             **names('target_encoder.net', kind.network()), **names('online_predictor', mlp(4, 4))}
    return taken, state


def simclr(kind):
    taken = kind.network(mlp(512, 8, 4))
    return taken, dict(state_dict=names('backbone', taken), arch='resnet18')


def supcontrast(kind):
    taken = kind.network()
    return taken, dict(model={**names('encoder.module', taken), **names('head', mlp(8, 4))},
                       opt=argparse.Namespace(lr=.1))


def swav(kind):
    taken = kind.network()
    return taken, {**names('module', taken), **names('module.projection_head', mlp(8, 4)),
                   **names('module.prototypes', nn.Linear(4, 4))}


def lightning(**parts):
    state = {k: v for prefix, part in parts.items() for k, v in names(prefix, part).items()}
    return {'epoch': 1, 'global_step': 9, 'pytorch-lightning_version': '2.1.0',
            'state_dict': state, 'loops': {'fit_loop': {'state_dict': {}}},
            'callbacks': {"ModelCheckpoint{'monitor': None}": {'best_k_models': {}, 'a': None}},
            'optimizer_states': [], 'lr_schedulers': [], 'hparams_name': 'kwargs',
            'hyper_parameters': {'lr': .1}}


def lightly_sequential(kind):
    """Its example of MoCo: the children of the ResNet in a row."""
    taken, average = kind.network(), kind.network()

    def row(network):
        return nn.Sequential(*list(network.children())[:-1])
    return taken, lightning(backbone=row(taken), projection_head=mlp(8, 4),
                            backbone_momentum=row(average), projection_head_momentum=mlp(8, 4))


def lightly_moco(kind):
    taken = kind.network()
    return taken, lightning(key_backbone=kind.network(), query_backbone=taken,
                            query_projection_head=mlp(8, 4), online_classifier=mlp(8, 4))


def lightly_dino(kind):
    """Its masked ViT around timm's."""
    taken = kind.network()
    masked = nn.ModuleDict(dict(vit=taken))
    masked.register_parameter('mask_token', nn.Parameter(torch.zeros(1, 1, 16)))
    return taken, lightning(student_backbone=nn.ModuleDict(dict(vit=kind.network())),
                            student_head=mlp(8, 4), teacher_backbone=masked, teacher_head=mlp(8, 4))


def lightning_classifier(kind):
    taken = kind.network(nn.Linear(512, 3))
    return taken, lightning(model=torch.compile(taken))


WAYS = [
    (moco_v2, RESNET, 'encoder_q.', 'encoder_k.* (124), encoder_q.fc.* (4), queue, queue_ptr'),
    (moco_v3, VIT, 'base_encoder.', 'base_encoder.head.* (4), predictor.0.weight, '),
    (dino, VIT, 'teacher.backbone.', 'student.* (34), teacher.head.* (4), dino_loss.center'),
    (dino, RESNET, 'teacher.backbone.', 'student.* (124), teacher.head.* (4), dino_loss.center'),
    (dino_in_parallel, VIT, 'teacher.backbone.', 'student.* (34), teacher.head.* (4)'),
    (byol, RESNET, 'online_encoder.net.', 'net.* (120), online_encoder.projector.0.weight'),
    (simclr, RESNET, 'backbone.', 'backbone.fc.* (4)'),
    (supcontrast, RESNET, 'encoder.module.', 'head.0.weight, head.0.bias'),
    (swav, RESNET, '', 'projection_head.0.weight, projection_head.0.bias, prototypes.weight'),
    (lightly_sequential, RESNET, 'backbone.', 'backbone_momentum.* (120)'),
    (lightly_moco, RESNET, 'query_backbone.', 'key_backbone.* (120)'),
    (lightly_dino, VIT, 'teacher_backbone.vit.', 'teacher_backbone.mask_token'),
    (lightning_classifier, RESNET, 'model.', 'model.fc.weight, model.fc.bias'),
]


def saved(checkpoint, tmp_path):
    path = tmp_path / 'others.ckpt'
    torch.save(checkpoint, path)
    return str(path)


def built(config):
    backbone = MODELS.build(dict(config, type=f'mmpretrain.{config["type"]}'))
    backbone.eval()  # of a ViT it returns nothing
    return backbone


@torch.no_grad()
@pytest.mark.parametrize('way, kind, prefix, left', WAYS,
                         ids=[f'{way.__name__}-{kind.__name__}' for way, kind, *_ in WAYS])
def test_the_features_are_those_of_the_source(way, kind, prefix, left, tmp_path, said):
    taken, checkpoint = way(kind)
    path, backbone = saved(checkpoint, tmp_path), built(kind.target)
    load_backbone(backbone, path)
    torch.testing.assert_close(kind.loaded(backbone), kind.features(taken), rtol=1e-4, atol=1e-4)
    (line,) = said
    assert f'tensors from {prefix + "* of " if prefix else ""}{path}; what stays behind: ' in line
    assert left in line


@torch.no_grad()
@pytest.mark.parametrize('name', ['resnet18', 'vit_tiny_patch16_224'])
@pytest.mark.parametrize('way', ['timm', 'lightning', 'mmpretrain'])
def test_weights_of_timm_go_into_its_backbone(tmp_path, said, name, way):
    options = {} if name == 'resnet18' else dict(img_size=16, depth=2)
    source = distinct(timm.create_model(name, num_classes=3, **options))
    state = {'timm': source.state_dict(), 'lightning': names('model', source),
             'mmpretrain': names('backbone.timm_model', source)}[way]
    backbone = built(dict(type='TIMMBackbone', model_name=name, **options))
    load_backbone(backbone, saved(state, tmp_path))
    for ours, theirs in zip(backbone(FACES)[0].flatten(), source.forward_features(FACES).flatten()):
        assert ours == theirs
    head = 'fc' if name == 'resnet18' else 'head'
    assert f'{head}.weight, ' in said[0] and f'{head}.bias' in said[0]


@torch.no_grad()
def test_a_timm_backbone_of_mmpretrain_goes_into_its_resnet(tmp_path):
    source = built(dict(type='TIMMBackbone', model_name='resnet18'))
    distinct(source)
    backbone = built(RESNET.target)
    load_backbone(backbone, saved(names('backbone', source), tmp_path))
    torch.testing.assert_close(backbone(FACES)[-1], source(FACES)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('way, kind', [
    (moco_v2, RESNET), (dino, VIT), (lightly_sequential, RESNET)])
@pytest.mark.parametrize('change, found', [('without', '1 weights are missing'),
                                           ('with', '1 are unknown'), ('shape', 'size mismatch')])
def test_a_part_of_a_backbone_is_refused(way, kind, change, found, tmp_path):
    _, checkpoint = way(kind)
    state = checkpoint.get('teacher') or checkpoint['state_dict']
    name = next(name for name in state if name.endswith(
        ('encoder_q.layer2.0.bn1.weight', 'blocks.1.norm1.weight', 'backbone.5.0.bn1.weight')))
    if change == 'with':
        state[name.replace('1.weight', '1.scale')] = state[name]
    elif change == 'shape':
        state[name] = state[name][:3]
    else:
        del state[name]
    with pytest.raises(UserError, match=f'does not fit the backbone.*{found}') as caught:
        load_backbone(built(kind.target), saved(checkpoint, tmp_path))
    assert '\n' not in str(caught.value)


def test_a_teacher_that_lacks_a_weight_does_not_make_the_student_the_source(tmp_path):
    _, checkpoint = dino(VIT)
    del checkpoint['teacher']['backbone.cls_token']
    with pytest.raises(UserError, match=r'teacher.backbone.\* of .*1 weights are missing'):
        load_backbone(built(VIT.target), saved(checkpoint, tmp_path))


def test_a_resnet_in_a_row_of_other_children_is_refused(tmp_path):
    """Without the pooling of the stem the counts are others."""
    children = [child for child in RESNET.network().children()
                if not isinstance(child, nn.MaxPool2d)]
    with pytest.raises(UserError, match='does not fit'):
        load_backbone(built(RESNET.target), saved(
            names('backbone', nn.Sequential(*children[:-1])), tmp_path))
