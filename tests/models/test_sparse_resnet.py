"""Stage I of a residual network: it sees what is shown, and stage II gets every weight of it."""
import pytest
import torch
from mmpretrain.models.utils.sparse_modules import SparseHelper
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from support.models import ssfer

NET = dict(depth=18, stem_channels=8, base_channels=8, strides=(2, 2, 2, 2))


def spark():
    return dict(
        type='SparK', input_size=48, downsample_raito=16, mask_ratio=0.6,
        enc_dec_norm_cfg=dict(type='MaskedBatchNorm2d'), enc_dec_norm_dim=64,
        backbone=dict(type='SparseResNet_CIFAR', **NET),
        neck=dict(type='SparKLightDecoder', feature_dim=32, upsample_ratio=16,
                  norm_cfg=dict(type='BN')),
        head=dict(type='SparKPretrainHead', patch_size=16,
                  loss=dict(type='PixelReconstructionLoss', criterion='L2')))


def classifier(**options):
    return dict(
        type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', **{**NET, **options}),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=3, in_channels=64))


def trained():
    model = MODELS.build(spark())
    model.init_weights()
    return model.train()


def test_a_step_reaches_every_weight_of_the_backbone():
    model = trained()
    loss = model.loss(torch.randn(4, 3, 48, 48), [])['loss']
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert sum(bool(p.grad.any()) for p in model.backbone.parameters()) == len(
        list(model.backbone.parameters()))


def test_what_is_hidden_changes_no_feature():
    """Neither through the convolutions nor through the statistics of the norms."""
    model, images = trained(), torch.randn(2, 3, 48, 48)
    shown = torch.zeros(2, 1, 3, 3, dtype=torch.bool)
    shown[:, :, 0, :2] = True
    SparseHelper._cur_active = shown
    pixels = shown.repeat_interleave(16, 2).repeat_interleave(16, 3)
    features = model.backbone(images * pixels)
    assert [f.shape[1:] for f in features] == [(8, 24, 24), (16, 12, 12), (32, 6, 6), (64, 3, 3)]
    for feature in features:
        side = feature.shape[-1] // 3
        hidden = ~shown.repeat_interleave(side, 2).repeat_interleave(side, 3)
        assert not (feature * hidden).any()
    mean = model.backbone.bn1.running_mean
    plain = model.backbone.conv1.weight.data
    dense = torch.nn.functional.conv2d(images * pixels, plain, padding=1)
    seen = dense.permute(0, 2, 3, 1)[pixels[:, 0]]
    torch.testing.assert_close(mean, 0.1 * seen.mean(0), rtol=1e-3, atol=1e-5)


def test_all_shown_it_is_the_plain_network():
    model = trained().eval()
    plain = MODELS.build(dict(type='ResNet_CIFAR', **NET, out_indices=(0, 1, 2, 3)))
    plain.eval()  # not chained: it returns nothing
    plain.load_state_dict(model.backbone.state_dict())
    SparseHelper._cur_active = torch.ones(2, 1, 3, 3, dtype=torch.bool)
    images = torch.randn(2, 3, 48, 48)
    for ours, expected in zip(model.backbone(images), plain(images)):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_stochastic_depth_is_that_of_the_plain_network():
    net = dict(depth=18, stem_channels=8, base_channels=8, drop_path_rate=.3)
    rates = [[getattr(m, 'drop_prob', None) for name, m in MODELS.build(
        dict(net, type=kind)).named_modules() if name.endswith('drop_path')]
        for kind in ('SparseResNet_CIFAR', 'ResNet_CIFAR')]
    assert rates[0] == rates[1] and any(rates[0])


@pytest.fixture
def stage_one(tmp_path):
    model = trained()
    model.loss(torch.randn(4, 3, 48, 48), [])  # moves the running statistics
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter)
    path = str(tmp_path / 'epoch_1.pth')
    torch.save(dict(meta=dict(epoch=1), state_dict=model.state_dict()), path)
    return model, path


def test_stage_two_starts_from_all_of_its_weights(stage_one):
    before, path = stage_one
    model = MODELS.build(ssfer(classifier(), pretrained=path))
    model.init_weights()
    for network in (model.student, model.teacher):
        state = network.backbone.state_dict()
        assert set(state) == set(before.backbone.state_dict())
        for name, value in before.backbone.state_dict().items():
            assert torch.equal(state[name], value), name


def test_another_width_is_refused(stage_one):
    narrow = classifier(base_channels=4, stem_channels=4)
    model = MODELS.build(ssfer(narrow, pretrained=stage_one[1]))
    with pytest.raises(UserError, match='does not fit the backbone ResNet_CIFAR'):
        model.init_weights()


@pytest.mark.parametrize('option', ['stem_channels', 'base_channels'])
def test_a_network_that_onednn_computes_past_its_memory(option):
    with pytest.raises(UserError, match=f'{option} (is )?4.*at least 8'):
        MODELS.build(dict(type='SparseResNet_CIFAR', **{**NET, option: 4}))
