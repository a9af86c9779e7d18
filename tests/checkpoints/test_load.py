"""Every weight is loaded, and what a network computes itself is not missed."""
import pytest
import torch
from mmpretrain.registry import MODELS
from torch import nn

from ssfer_mm.checkpoints.load import load_all, load_into
from support.models import resnet, ssfer

SWIN_V2 = dict(type='SwinTransformerV2', img_size=32, pad_small_map=True, window_size=4,
               arch=dict(embed_dims=4, depths=[1] * 4, num_heads=[1] * 4,
                         extra_norm_every_n_blocks=0))


def test_swin_v2_is_teacher_student_and_stage_one(tmp_path):
    parts = dict(resnet(), backbone=SWIN_V2)  # 4 x 8 channels, as many as that ResNet has
    model = MODELS.build(ssfer(parts))
    model.init_weights()
    nn.init.constant_(model.student.head.fc.bias, 3.)
    model.sync_teacher()
    assert float(model.teacher.head.fc.bias[0]) == 3
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'run.pth')
    other = MODELS.build(ssfer(parts, pretrained=str(tmp_path / 'run.pth')))
    other.init_weights()
    expected = model.student.backbone.state_dict()
    assert all(torch.equal(value, expected[name])
               for name, value in other.student.backbone.state_dict().items())


def test_what_is_missing_or_unknown_is_told():
    layer = nn.Linear(2, 2)
    assert load_into(layer, dict(weight=layer.weight, w=layer.bias)) == (['bias'], ['w'])
    with pytest.raises(RuntimeError, match=r"missing \['bias'\]"):
        load_all(layer, dict(weight=layer.weight))
