"""Which parts of a model are compiled, and that training them gives the same."""
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.registry import HOOKS, MODELS

from ssfer_mm.engine.compile_hook import networks
from ssfer_mm.errors import UserError
from support.models import mae, preprocessor, resnet, ssfer


def compiled(model, **options):
    HOOKS.build(dict(type='CompileHook', backend='eager', **options)).before_run(
        SimpleNamespace(model=model))
    return {name for name, module in model.named_modules()
            if module._compiled_call_impl is not None}


def model_of_stage_one():
    return MODELS.build(dict(mae(), data_preprocessor=dict(type='SelfSupDataPreprocessor')))


def test_backbone_and_decoder_of_stage_one():
    assert compiled(model_of_stage_one()) == {'backbone', 'neck'}


def test_both_backbones_of_ssfer():
    assert compiled(MODELS.build(ssfer())) == {'student.backbone', 'teacher.backbone'}


def test_a_neck_without_weights_is_left_alone():
    assert networks(MODELS.build(ssfer(resnet()))) == ['student.backbone', 'teacher.backbone']


def test_named_modules_instead():
    assert compiled(model_of_stage_one(), modules=['neck']) == {'neck'}


def test_weights_keep_their_names():
    model = MODELS.build(ssfer())
    before = list(model.state_dict())
    compiled(model)
    assert list(model.state_dict()) == before


def test_the_same_losses_and_gradients():
    def gradients(compile_it):
        torch.manual_seed(0)
        model = MODELS.build(ssfer())
        if compile_it:
            compiled(model)
        images = torch.randn(4, 3, 16, 16)
        targets = torch.eye(3)[[0, 1, 2, 0]]
        losses = model(dict(labeled=images, targets=targets), mode='loss')
        losses['loss_labeled'].backward()
        return [p.grad for p in model.student.parameters()]

    for ours, plain in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(ours, plain)


def test_an_unknown_module_is_named():
    with pytest.raises(UserError, match="no submodule 'bakcbone'"):
        compiled(model_of_stage_one(), modules=['bakcbone'])


def test_a_model_without_networks_says_what_to_do():
    with pytest.raises(UserError, match=r'modules=\[\.\.\.\]'):
        networks(MODELS.build(preprocessor()))
