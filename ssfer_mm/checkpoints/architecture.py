"""What a ViT's weights say about its architecture, and the one thing they do not."""
import re
from typing import Dict, Optional

from torch import Tensor

from ssfer_mm.errors import UserError

from .position import grid_side, interpolate_position

POSITIONS = ('backbone.pos_embed', 'neck.decoder_pos_embed')


def kind_of(state: Dict[str, Tensor]) -> str:
    """``'mae'``, ``'classifier'`` or ``'backbone'``, for weights under mmpretrain's names."""
    parts = {name.split('.')[0] for name in state}
    if 'neck.mask_token' in state:
        return 'mae'
    return 'classifier' if 'head' in parts else 'backbone'


def is_vit(state: Dict[str, Tensor]) -> bool:
    """Whether the weights, under mmpretrain's names, are of a plain ViT."""
    return {'backbone.cls_token', 'backbone.pos_embed', 'backbone.layers.0.ln1.weight',
            'backbone.patch_embed.projection.weight'} <= set(state)


def infer_model(state: Dict[str, Tensor], num_heads: Optional[int] = None) -> dict:
    """The config of a ViT classifier, MAE or bare ViT that these weights fit.

    Args:
        state: Weights under mmpretrain's names.
        num_heads: Attention heads of the encoder; weights do not tell. None: see `heads_of`.

    Raises:
        UserError: the weights are of no ViT, or its number of heads must be named.
    """
    if not is_vit(state):
        raise UserError('the weights are of no ViT, so they do not tell their architecture; '
                        'name the config of their model with --config')
    backbone, kind = _backbone(state, num_heads), kind_of(state)
    if kind == 'mae':
        # MAEViT has no such settings: what needs them is then named by the check of the weights.
        encoder = {key: backbone[key] for key in ('arch', 'img_size', 'patch_size')}
        return dict(type='MAE', backbone=dict(encoder, type='MAEViT'),
                    neck=_decoder(state, backbone),
                    head=dict(type='MAEPretrainHead', patch_size=backbone['patch_size'],
                              loss=dict(type='PixelReconstructionLoss', criterion='L2')))
    if kind == 'classifier':
        return dict(type='ImageClassifier', backbone=backbone, head=_head(state))
    return dict(type='ImageClassifier', backbone=backbone)


def _backbone(state: Dict[str, Tensor], num_heads: Optional[int]) -> dict:
    projection = state['backbone.patch_embed.projection.weight']
    width, channels, patch = projection.shape[0], projection.shape[1], projection.shape[2]
    side = grid_side(state['backbone.pos_embed'])
    if not side or patch != projection.shape[3]:
        raise UserError(f'patches of {tuple(projection.shape[2:])} pixels and '
                        f'{state["backbone.pos_embed"].shape[1]} positions; expected square '
                        'patches in a square grid and one cls token. Name another file.')
    config = dict(
        type='VisionTransformer',
        arch=dict(embed_dims=width, num_layers=_depth(state, 'backbone.layers'),
                  num_heads=heads_of(width, num_heads),
                  feedforward_channels=state['backbone.layers.0.ffn.layers.0.0.weight'].shape[0]),
        img_size=side * patch,
        patch_size=patch)
    if channels != 3:
        config['in_channels'] = channels
    if 'backbone.layers.0.attn.qkv.bias' not in state:
        config['qkv_bias'] = False
    if 'backbone.ln1.weight' not in state:
        config['final_norm'] = False
    if 'backbone.ln2.weight' in state:
        config['out_type'] = 'avg_featmap'
    return config


def _decoder(state: Dict[str, Tensor], backbone: dict) -> dict:
    width = state['neck.mask_token'].shape[-1]
    hidden = state['neck.decoder_blocks.0.ffn.layers.0.0.weight'].shape[0]
    return dict(
        type='MAEPretrainDecoder', num_patches=(backbone['img_size'] // backbone['patch_size'])**2,
        patch_size=backbone['patch_size'], embed_dim=backbone['arch']['embed_dims'],
        decoder_embed_dim=width, decoder_depth=_depth(state, 'neck.decoder_blocks'),
        # All published MAEs: 16 heads on 512 channels.
        decoder_num_heads=max(1, width // 32), mlp_ratio=hidden // width)


def _head(state: Dict[str, Tensor]) -> dict:
    name = 'head.layers.head.weight'
    kind = 'VisionTransformerClsHead'
    if name not in state:
        name, kind = 'head.fc.weight', 'LinearClsHead'
    if name not in state:
        found = [key for key in state if key.startswith('head.')]
        raise UserError(f'an unknown head ({", ".join(found[:4])}); name the config of its model '
                        'with --config')
    classes, width = state[name].shape
    return dict(type=kind, num_classes=classes, in_channels=width)


def _depth(state: Dict[str, Tensor], stack: str) -> int:
    pattern = re.compile(re.escape(stack) + r'\.(\d+)\.')
    return 1 + max(int(match[1]) for match in map(pattern.match, state) if match)


def heads_of(width: int, given: Optional[int] = None) -> int:
    """Attention heads of a ViT: given, or 64 channels each (80 in ViT-H), as every published ViT.

    Raises:
        UserError: ``width`` does not divide so; or the given number does not divide it.
    """
    heads = given or (16 if width == 1280 else width // 64 if width % 64 == 0 else 0)
    if heads < 1 or width % heads:
        raise UserError(f'a ViT of {width} channels cannot have {heads or "64-channel"} heads; '
                        'name the right number with --num-heads, or the config with --config')
    return heads


def resize_vit(state: Dict[str, Tensor], model: dict, img_size: int) -> Dict[str, Tensor]:
    """Weights for images of another size: its position embeddings are interpolated.

    Args:
        state: Weights of a ViT or MAE under mmpretrain's names.
        model: Their config; its sizes are changed in place.
        img_size: Side of the images in pixels.

    Raises:
        UserError: the patches do not fill ``img_size``, or the model has no position embedding.
    """
    if not is_vit(state):
        raise UserError('--img-size: only a ViT keeps weights for one image size; leave it out')
    patch = state['backbone.patch_embed.projection.weight'].shape[-1]
    if img_size < patch or img_size % patch:
        raise UserError(f'--img-size {img_size}: not a multiple of the {patch} px patches; '
                        f'the closest is {max(1, round(img_size / patch)) * patch}')
    side = img_size // patch
    model['backbone']['img_size'] = img_size
    if model.get('neck') and 'num_patches' in model['neck']:
        model['neck']['num_patches'] = side * side
    return {name: interpolate_position(value, side) if name in POSITIONS else value
            for name, value in state.items()}
