"""Stage I drops into stages II and III, with every weight accounted for."""
import pytest
import torch
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from ssfer_mm.models import backbone_weights
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


def test_every_backbone_weight_arrives(stage_one):
    source, path = stage_one
    model = load(path)
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


def test_weights_of_the_decoder_stay_behind(stage_one):
    source, _ = stage_one
    assert set(backbone_weights(dict(state_dict=source.state_dict()))) == set(
        source.backbone.state_dict())


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
