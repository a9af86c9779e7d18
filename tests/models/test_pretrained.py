"""Stage I drops into stages II and III, with every weight accounted for."""
import pytest
import torch
import torchvision
from mmpretrain.registry import MODELS
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.files import download
from ssfer_mm.models import load_backbone
from support.models import ARCH, mae, resnet, ssfer, vit


@pytest.fixture
def stage_one(tmp_path):
    """A checkpoint as mmengine writes it, of a MAE whose weights are all unusual."""
    model = MODELS.build(mae())
    model.init_weights()
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter)
    path = tmp_path / 'mae_tiny' / 'epoch_1.pth'
    path.parent.mkdir()
    torch.save(dict(meta=dict(epoch=1), state_dict=model.state_dict()), path)
    return model, str(path)


def load(path, classifier=None):
    model = MODELS.build(ssfer(classifier, pretrained=path))
    model.init_weights()
    return model


def test_every_backbone_weight_arrives_and_the_decoder_stays_behind(stage_one, said):
    source, path = stage_one
    model = load(path)
    assert f'tensors from backbone.* of {path}; what stays behind: neck.* (' in said[0]
    expected = source.backbone.state_dict()
    for part in (model.student, model.teacher):
        state = part.backbone.state_dict()
        assert set(state) == set(expected)
        for name, value in state.items():
            assert torch.equal(value, expected[name]), name


def test_position_embedding_is_interpolated_to_another_size(stage_one):
    source, path = stage_one
    model = load(path, vit(img_size=32))
    old, new = source.backbone.pos_embed, model.student.backbone.pos_embed
    assert new.shape == (1, 1 + 16, 16)
    torch.testing.assert_close(new[:, 0], old[:, 0])
    # Bicubic, corners not aligned: from 2 x 2 to 4 x 4 patches.
    grid = torch.nn.functional.interpolate(
        old[:, 1:].reshape(1, 2, 2, 16).permute(0, 3, 1, 2), size=(4, 4), mode='bicubic')
    torch.testing.assert_close(new[:, 1:], grid.flatten(2).transpose(1, 2), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('kind', ['classifier', 'ssfer', 'backbone'])
def test_other_checkpoints_of_the_same_backbone(tmp_path, kind):
    model = MODELS.build(ssfer())
    model.init_weights()
    for parameter in model.teacher.parameters():
        parameter.data += 1
    state = dict(classifier=model.teacher, ssfer=model, backbone=model.teacher.backbone)[kind]
    torch.save(state.state_dict(), tmp_path / 'any.pth')
    loaded = load(str(tmp_path / 'any.pth')).student.backbone.state_dict()
    for name, value in model.teacher.backbone.state_dict().items():
        assert torch.equal(loaded[name], value), name


def bigger(**changes):
    classifier = vit()
    classifier['backbone']['arch'] = dict(ARCH, **changes)
    return classifier


@pytest.mark.parametrize('classifier, found', [
    (bigger(num_layers=3), 'weights are missing'),
    (bigger(num_layers=1), 'are unknown'),
    (bigger(feedforward_channels=64), 'size mismatch'),
    (resnet(), 'weights are missing'),
])
def test_another_architecture_is_refused(stage_one, classifier, found):
    with pytest.raises(UserError, match=found) as caught:
        load(stage_one[1], classifier)
    assert 'same architecture' in str(caught.value) and '\n' not in str(caught.value)


def test_a_missing_file_names_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='no pre-trained weights') as caught:
        load('work_dirs/mae_x/epoch_9.pth')
    assert 'configs/mae/*.py' in str(caught.value) and '\n' not in str(caught.value)
    config = tmp_path / 'configs' / 'mae' / 'mae_x.py'
    config.parent.mkdir(parents=True)
    config.touch()
    with pytest.raises(UserError, match='python tools/train.py configs/mae/mae_x.py'):
        load('work_dirs/mae_x/epoch_9.pth')


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / 'broken.pth'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(UserError, match='broken.pth'):
        load(str(path))


def resnet18():
    return MODELS.build(dict(type='mmpretrain.ResNet', depth=18))


@pytest.fixture
def torchvision_resnet(tmp_path):
    path = tmp_path / 'resnet18.pth'
    weights = torchvision.models.resnet18().state_dict()
    torch.save(weights, path)
    return weights, str(path)


def test_the_classifier_of_a_bare_backbone_stays_behind(torchvision_resnet, said):
    weights, path = torchvision_resnet
    backbone = resnet18()
    load_backbone(backbone, path)
    assert all(torch.equal(value, weights[name]) for name, value in backbone.state_dict().items())
    assert 'what stays behind: fc.weight, fc.bias' in said[0]


@pytest.mark.parametrize('name', ['fc.weight', 'head.fc.bias', 'classifier.1.weight'])
def test_only_a_classifier_is_left_behind(tmp_path, name):
    backbone = nn.Sequential(nn.Linear(2, 2))
    load_bare = {**backbone.state_dict(), name: torch.zeros(1)}
    torch.save(load_bare, tmp_path / 'bare.pth')
    load_backbone(backbone, str(tmp_path / 'bare.pth'))
    torch.save({**load_bare, 'x' + name: torch.zeros(1)}, tmp_path / 'other.pth')
    with pytest.raises(UserError, match=f'1 are unknown .x{name}'):
        load_backbone(backbone, str(tmp_path / 'other.pth'))


def test_a_backbone_with_such_names_of_its_own_needs_every_one(tmp_path):
    backbone = nn.ModuleDict(dict(fc=nn.Linear(2, 2)))
    state = {name: value + 1 for name, value in backbone.state_dict().items()}
    torch.save(state, tmp_path / 'a.pth')
    load_backbone(backbone, str(tmp_path / 'a.pth'))
    assert torch.equal(backbone['fc'].weight, state['fc.weight'])
    torch.save({**state, 'fc.extra': torch.zeros(1)}, tmp_path / 'b.pth')
    with pytest.raises(UserError, match='1 are unknown .fc.extra'):
        load_backbone(backbone, str(tmp_path / 'b.pth'))


def average(**changes):
    classifier = vit()
    classifier['backbone'].update(out_type='avg_featmap', **changes)
    return classifier


@pytest.mark.parametrize('final_norm', [True, False])
def test_a_vit_that_averages_its_patches_has_a_new_norm_for_that(stage_one, final_norm, said):
    source, path = stage_one
    backbone = load(path, average(final_norm=final_norm)).student.backbone
    assert 'ln2.weight, ln2.bias are newly initialized' in said[0]
    assert ('ln1.weight, ln1.bias stay behind' in said[0]) is not final_norm
    assert torch.equal(backbone.ln2.weight, torch.ones(16)) and backbone.ln2.weight.requires_grad
    for name, value in source.backbone.state_dict().items():
        if final_norm or not name.startswith('ln1.'):
            assert torch.equal(backbone.state_dict()[name], value), name


@pytest.mark.parametrize('classifier, dropped, extra', [
    (average(), 'ln1.bias', None), (average(), None, 'ln3.weight'), (average(), None, 'ln2.weight'),
    (vit(), 'ln1.weight', 'ln2.weight')])
def test_no_other_norm_may_be_missing_or_left_over(stage_one, tmp_path, classifier, dropped, extra):
    state = dict(stage_one[0].backbone.state_dict())
    if dropped:
        del state[dropped]
    if extra:
        state[extra] = torch.ones(16)
    torch.save(state, tmp_path / 'other.pth')
    with pytest.raises(UserError, match='does not fit the backbone VisionTransformer'):
        load(str(tmp_path / 'other.pth'), classifier)


@pytest.mark.parametrize('problem', [
    ModuleNotFoundError("No module named 'scipy'"),
    NotImplementedError('`interp2d` has been removed in SciPy 1.14.0.\n\nhttps://scipy.github.io')])
def test_another_window_says_what_to_type(tmp_path, monkeypatch, problem):
    def swin(window):
        return MODELS.build(dict(
            type='SwinTransformer', arch=dict(embed_dims=8, depths=[1], num_heads=[2]),
            img_size=16, window_size=window, out_indices=(0,)))

    def refused(*_):
        raise problem

    monkeypatch.setattr('mmpretrain.models.backbones.swin_transformer.'
                        'resize_relative_position_bias_table', refused)
    torch.save(swin(4).state_dict(), tmp_path / 'swin.pth')
    load_backbone(swin(4), str(tmp_path / 'swin.pth'))
    with pytest.raises(UserError, match='pip install .scipy<1.14.*window_size') as caught:
        load_backbone(swin(2), str(tmp_path / 'swin.pth'))
    assert '\n' not in str(caught.value)


def test_names_that_mmengine_knows(torchvision_resnet, monkeypatch):
    fetched = []
    monkeypatch.setattr(download, 'fetch_weights', lambda url, folder=None: (
        fetched.append(url) or torchvision_resnet[1]))
    load_backbone(resnet18(), 'torchvision://resnet18')
    assert fetched[0].startswith('https://download.pytorch.org/models/resnet18-')
    for name, why in {'torchvision://resnet19': 'no such name is known', 's3://a/b.pth': 'bucket',
                      'ftp://a/b.pth': 'not found'}.items():
        with pytest.raises(UserError, match=f'no pre-trained weights from {name!r}.*{why}'):
            load_backbone(resnet18(), name)


def test_without_a_network_it_is_one_line(monkeypatch, tmp_path):
    def offline(*_, **__):
        raise OSError('no route to host')

    monkeypatch.setattr(download, 'urlopen', offline)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(UserError, match='no route to host.*put it at .*model.pretrained=None') as e:
        load_backbone(resnet18(), 'https://example.org/w.pth')
    assert '\n' not in str(e.value)


def test_a_path_below_home_and_a_folder(torchvision_resnet, monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    load_backbone(resnet18(), '~/resnet18.pth')
    with pytest.raises(UserError, match='is a folder: name a .pth file'):
        load_backbone(resnet18(), str(tmp_path))
