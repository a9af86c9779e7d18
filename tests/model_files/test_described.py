"""Converted weights compute what they computed before: timm's ViTs and the official MAE.

At another resolution the position embedding is interpolated as mmpretrain does it (bicubic, not
antialiased); timm filters when it shrinks a grid, so the reference gives timm's model the
embedding interpolated in mmpretrain's way.
"""
import argparse
import math

import pytest
import timm
import torch
from mmpretrain.registry import MODELS
from safetensors.torch import load_file

from reference.official_mae import OfficialMAE
from ssfer_mm import UserError
from ssfer_mm.apis.export.convert_checkpoint import write_described
from ssfer_mm.checkpoints import in_timm_names
from ssfer_mm.expressions import CLASSES_OF, FERPLUS8, RAFDB7
from ssfer_mm.model_files.classifier import build_classifier, probabilities
from ssfer_mm.model_files.described import SSFER_MEAN, Options, describe
from support.models import MEAN, STD, mae, ssfer, vit


def released(name, num_classes=7, **options):
    """A timm ViT whose weights are all unusual, head included."""
    model = timm.create_model(name, num_classes=num_classes, **options).eval()
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model


def resized(state, side):
    """What mmpretrain makes of a position embedding, written out."""
    old = state['pos_embed']
    size = math.isqrt(old.shape[1] - 1)
    grid = old[0, 1:].T.reshape(1, -1, size, size)
    grid = torch.nn.functional.interpolate(grid, (side, side), mode='bicubic')
    return {**state, 'pos_embed': torch.cat([old[:, :1], grid[0].flatten(1).T[None]], dim=1)}


def saved(path, content):
    torch.save(content, path)
    return str(path)


@torch.no_grad()
def check_logits(theirs, ours, size):
    images = torch.randn(1, 3, size, size)
    torch.testing.assert_close(ours(images, mode='tensor'), theirs(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('name, size, heads', [
    ('vit_tiny_patch16_224', 160, 3),
    ('vit_small_patch16_224', 240, 6),
    ('vit_base_patch16_224', 160, 12),
])
def test_timm_classifier(name, size, heads, tmp_path):
    model = released(name)
    path = saved(tmp_path / 'released.pth', model.state_dict())
    described = describe(path, Options(dataset='rafdb'))
    assert described.kind == 'classifier' and described.classes == RAFDB7
    assert described.input_size == (224, 224)
    assert described.model['backbone']['arch']['num_heads'] == heads
    check_logits(model, build_classifier(described), 224)
    if size:
        other = timm.create_model(name, num_classes=7, img_size=size).eval()
        other.load_state_dict(resized(model.state_dict(), size // 16))
        described = describe(path, Options(dataset='rafdb', img_size=size))
        assert described.input_size == (size, size)
        check_logits(other, build_classifier(described), size)


@pytest.mark.parametrize('dataset, classes', [
    ('rafdb', RAFDB7), ('affectnet7', CLASSES_OF['affectnet7']), ('ferplus', FERPLUS8),
    ('affectnet8', CLASSES_OF['affectnet8'])])
def test_seven_and_eight_classes_in_the_order_of_their_data_set(dataset, classes, tmp_path):
    model = tiny(num_classes=len(classes))
    path = saved(tmp_path / 'released.pth', {'model': model.state_dict()})
    described = describe(path, Options(dataset=dataset))
    assert described.classes == classes and described.mean == SSFER_MEAN
    check_logits(model, build_classifier(described), 32)
    other = 'ferplus' if len(classes) == 7 else 'rafdb'
    with pytest.raises(UserError, match=f'{other} has . classes, but the head has {len(classes)}'):
        describe(path, Options(dataset=other))


def tiny(**options):
    return released('vit_tiny_patch16_224', img_size=32, patch_size=8, depth=2, **options)


@pytest.mark.parametrize('options', [dict(global_pool='avg'), dict(qkv_bias=False)])
def test_timm_variants(options, tmp_path):
    model = tiny(**options)
    described = describe(saved(tmp_path / 'a.pth', {'model': model.state_dict()}),
                         Options(dataset='rafdb'))
    check_logits(model, build_classifier(described), 32)


def test_a_checkpoint_of_the_official_training_script(tmp_path):
    """It keeps optimizer, scaler, epoch and its arguments beside the weights."""
    model = OfficialMAE()
    optimizer = torch.optim.AdamW(model.parameters())
    model.encode(torch.randn(1, 3, 32, 32), torch.arange(16)[None]).sum().backward()
    optimizer.step()
    path = saved(tmp_path / 'checkpoint-599.pth', dict(
        model={f'module.{name}': value for name, value in model.state_dict().items()},
        optimizer=optimizer.state_dict(), epoch=599, scaler=dict(scale=65536., growth_factor=2.),
        args=argparse.Namespace(model='mae_vit_base_patch16', lr=None, betas=(0.9, 0.95))))
    described = describe(path)
    assert described.kind == 'mae'
    back = in_timm_names(described.state)
    assert back.keys() == model.state_dict().keys()
    assert all(torch.equal(back[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_there_and_back_is_the_same_file_for_timm(suffix, tmp_path):
    model = tiny()
    described = describe(saved(tmp_path / 'a.pth', model.state_dict()), Options(dataset='rafdb'))
    ours, back = tmp_path / f'ours{suffix}', tmp_path / f'back{suffix}'
    write_described(described, ours)
    again = describe(ours)
    assert (again.classes, again.mean, again.input_size) == (RAFDB7, described.mean, (32, 32))
    write_described(again, back, to='timm')
    state = (load_file(back) if suffix == '.safetensors' else
             torch.load(back, weights_only=True)['state_dict'])
    assert set(state) == set(model.state_dict())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    # timm itself reads it.
    timm.create_model('vit_tiny_patch16_224', num_classes=7, img_size=32, patch_size=8, depth=2,
                      checkpoint_path=str(back))


@torch.no_grad()
@pytest.mark.parametrize('size', [None, 48])
def test_official_mae_with_decoder(size, tmp_path):
    model = OfficialMAE()
    described = describe(saved(tmp_path / 'mae.pth', {'model': model.state_dict()}),
                         Options(img_size=size))
    assert described.kind == 'mae'
    side = (size or 32) // 8
    if size:
        state = resized(model.state_dict(), side)
        decoder = resized({'pos_embed': state['decoder_pos_embed']}, side)['pos_embed']
        model = OfficialMAE(img_size=size)
        model.load_state_dict({**state, 'decoder_pos_embed': decoder})
    ours = MODELS.build(described.model)
    ours.load_state_dict(described.state)
    ours.eval()
    images = torch.randn(2, 3, 8 * side, 8 * side)
    features, _, restore = ours.backbone(images, mask=True)
    keep = restore.argsort(dim=1)[:, :features.shape[1] - 1]
    expected = model.encode(images, keep)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.neck(features, restore), model.decode(expected, keep),
                               atol=1e-5, rtol=1e-5)
    back = in_timm_names(described.state)
    assert all(torch.equal(back[name], value) for name, value in model.state_dict().items())


def without_decoder(state):
    return {name: value for name, value in state.items()
            if 'decoder' not in name and name != 'mask_token'}


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize('with_decoder', [True, False])
def test_model_pretrained_takes_the_official_file_itself(with_decoder, suffix, tmp_path):
    model = OfficialMAE()
    state = model.state_dict() if with_decoder else without_decoder(model.state_dict())
    path = tmp_path / f'mae_pretrain{suffix}'
    if suffix == '.pth':
        torch.save({'model': state}, path)
    else:
        from safetensors.torch import save_file
        save_file(state, path)
    assert describe(path).kind == ('mae' if with_decoder else 'backbone')
    arch = dict(embed_dims=128, num_layers=2, num_heads=2, feedforward_channels=512)
    classifier = vit(img_size=32)
    classifier['backbone']['arch'] = arch
    classifier['head']['in_channels'] = 128
    started = MODELS.build(ssfer(classifier, pretrained=str(path)))
    started.init_weights()
    with torch.no_grad():
        images = torch.randn(2, 3, 32, 32)
        all_patches = torch.arange(16).expand(2, -1)
        torch.testing.assert_close(started.student.backbone(images)[0],
                                   model.encode(images, all_patches)[:, 0], atol=1e-5, rtol=1e-5)


def test_converted_weights_work_as_model_pretrained(tmp_path):
    stage_one = MODELS.build(mae())
    path = saved(tmp_path / 'epoch_1.pth', dict(meta=dict(epoch=1),
                                                state_dict=stage_one.state_dict()))
    described = describe(path, Options(num_heads=2))
    for name, to in (('ours.safetensors', 'mmpretrain'), ('official.pth', 'timm')):
        write_described(described, tmp_path / name, to)
        started = MODELS.build(ssfer(pretrained=str(tmp_path / name)))
        started.init_weights()
        for key, value in stage_one.backbone.state_dict().items():
            assert torch.equal(started.student.backbone.state_dict()[key], value), (name, key)


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize('change, named', [
    (lambda s: s.update({'blocks.0.ls1.gamma': torch.ones(192)}), r'blocks\.0\.ls1\.gamma'),
    (lambda s: s.pop('blocks.1.mlp.fc2.bias'), r'layers\.1\.ffn\.layers\.1\.bias is missing'),
    (lambda s: s.update({'norm.bias': torch.ones(7)}), r'ln1\.bias is \(7,\), not \(192,\)'),
    (lambda s: s.update({'blocks.5.norm1.bias': torch.ones(192)}), r'layers\.2\.\S+ is missing'),
])
def test_every_key_is_accounted_for(change, named, tmp_path):
    state = dict(tiny().state_dict())
    change(state)
    with pytest.raises(UserError, match=named) as caught:
        describe(saved(tmp_path / 'a.pth', state))
    assert '\n' not in str(caught.value) and 'a.pth' in str(caught.value)


@pytest.mark.parametrize('options, named', [
    (Options(dataset='ferplus'), 'ferplus has 8 classes, but the head has 7'),
    (Options(dataset='jaffe'), '--dataset jaffe'),
    (Options(classes=('a', 'b')), '2 classes'),
    (Options(img_size=30), 'not a multiple of the 8 px patches; the closest is 32'),
    (Options(num_heads=5), '--num-heads'),
    (Options(key='ema'), '--key ema'),
])
def test_options_that_do_not_fit(options, named, tmp_path):
    with pytest.raises(UserError, match=named):
        describe(saved(tmp_path / 'a.pth', tiny().state_dict()), options)


class Malicious:
    def __reduce__(self):
        return eval, ('1 / 0',)


def test_an_unsafe_file_is_refused_with_a_way_forward(tmp_path):
    path = saved(tmp_path / 'bad.pth', {'model': tiny().state_dict(), 'args': Malicious()})
    with pytest.raises(UserError, match='could run code.*save its state_dict alone'):
        describe(path)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_damaged_file(suffix, tmp_path):
    path = tmp_path / f'broken{suffix}'
    path.write_bytes(b'nothing')
    with pytest.raises(UserError, match='damaged'):
        describe(path)


def test_nothing_is_made_up_about_a_file_that_says_nothing(tmp_path):
    described = describe(saved(tmp_path / 'a.pth', tiny().state_dict()))
    assert (described.classes, described.mean, described.training) == (None, None, {})
    with pytest.raises(UserError, match='--dataset or --classes.*--mean and --std'):
        build_classifier(described)
    assert FERPLUS8[0] not in str(described.meta())


@pytest.mark.parametrize('own', [{}, dict(to_rgb=False), dict(to_rgb=True)], ids=str)
def test_channels_have_the_order_in_which_mmpretrain_takes_them(own, tmp_path):
    config = vit()
    config['data_preprocessor'] = dict(mean=MEAN, std=STD, **own)
    stock = MODELS.build(config)
    for parameter in stock.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    path = saved(tmp_path / 'a.pth', dict(state_dict=stock.state_dict(), meta=dict(
        cfg=f'model = {config}', dataset_meta=dict(classes=['a', 'b', 'c']))))
    model = build_classifier(describe(path, Options(img_size=16)))
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    expected = probabilities(stock.eval(), images)
    torch.testing.assert_close(probabilities(model, images), expected)
    swapped = probabilities(model, images.flip(1))
    assert (swapped - expected).abs().max() > 1e-3, 'their order matters'


@pytest.mark.parametrize('options', [
    Options(dataset='rafdb'), Options(classes=RAFDB7, mean=tuple(MEAN), std=tuple(STD))],
    ids=['data set', 'numbers'])
def test_what_the_user_says_of_channels_is_of_rgb(options, tmp_path):
    described = describe(saved(tmp_path / 'a.pth', tiny().state_dict()), options)
    assert described.model['data_preprocessor']['to_rgb']


def test_a_preprocessor_that_says_nothing_of_channels_leaves_them_to_the_user(tmp_path):
    config = dict(vit(), data_preprocessor=dict(num_classes=3))
    path = saved(tmp_path / 'a.pth', dict(state_dict=MODELS.build(config).state_dict(),
                                          meta=dict(cfg=f'model = {config}')))
    described = describe(path, Options(
        classes=('a', 'b', 'c'), mean=tuple(MEAN), std=tuple(STD), img_size=16))
    assert described.model['data_preprocessor']['to_rgb']


def test_a_classifier_whose_head_has_no_weights(tmp_path):
    config = dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=3),
                  head=dict(type='ClsHead'))
    meta = dict(format='ssfer_mm model 1', model=config)
    path = saved(tmp_path / 'a.pth', dict(state_dict=MODELS.build(config).state_dict(), meta=meta))
    assert describe(path).kind == 'classifier'
