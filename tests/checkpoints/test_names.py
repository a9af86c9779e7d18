"""The table of names, in both directions."""
import pytest

from ssfer_mm.checkpoints.names import to_mmpretrain, to_timm

PAIRS = [
    ('cls_token', 'backbone.cls_token'),
    ('pos_embed', 'backbone.pos_embed'),
    ('patch_embed.proj.weight', 'backbone.patch_embed.projection.weight'),
    ('blocks.0.norm1.weight', 'backbone.layers.0.ln1.weight'),
    ('blocks.11.norm2.bias', 'backbone.layers.11.ln2.bias'),
    ('blocks.3.attn.qkv.weight', 'backbone.layers.3.attn.qkv.weight'),
    ('blocks.3.attn.proj.bias', 'backbone.layers.3.attn.proj.bias'),
    ('blocks.10.mlp.fc1.weight', 'backbone.layers.10.ffn.layers.0.0.weight'),
    ('blocks.10.mlp.fc2.bias', 'backbone.layers.10.ffn.layers.1.bias'),
    ('norm.weight', 'backbone.ln1.weight'),
    ('fc_norm.bias', 'backbone.ln2.bias'),
    ('head.weight', 'head.layers.head.weight'),
    ('mask_token', 'neck.mask_token'),
    ('decoder_pos_embed', 'neck.decoder_pos_embed'),
    ('decoder_embed.bias', 'neck.decoder_embed.bias'),
    ('decoder_blocks.7.mlp.fc1.bias', 'neck.decoder_blocks.7.ffn.layers.0.0.bias'),
    ('decoder_norm.weight', 'neck.ln1.weight'),
    ('decoder_pred.weight', 'neck.decoder_pred.weight'),
]


@pytest.mark.parametrize('timm, mmpretrain', PAIRS)
def test_table(timm, mmpretrain):
    assert to_mmpretrain(timm) == mmpretrain
    assert to_timm(mmpretrain) == timm


def test_both_heads_of_mmpretrain():
    assert to_timm('head.fc.bias') == to_timm('head.layers.head.bias') == 'head.bias'


@pytest.mark.parametrize('name', [
    'blocks.0.ls1.gamma', 'dist_token', 'norm_pre.weight', 'head_dist.weight', 'blocks.0.norm1',
    'blocks.x.norm1.weight', 'patch_embed.proj.weight.extra', 'layers.0.ln1.weight', ''])
def test_anything_else_has_no_place(name):
    assert to_mmpretrain(name) is None


@pytest.mark.parametrize('name', ['backbone.layers.0.attn.gamma1.weight', 'cls_token', 'ln1.bias'])
def test_and_none_in_the_other_direction(name):
    assert to_timm(name) is None
