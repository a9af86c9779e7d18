"""One table of weight names: timm and the official MAE on one side, mmpretrain on the other.

timm's ``VisionTransformer`` and the official MAE share their names; the released SSFER classifiers
are timm ViTs. On mmpretrain's side the names are those of an ``ImageClassifier`` (``backbone.``,
``head.``) and of a ``MAE`` (``backbone.``, ``neck.`` for the decoder).
"""
import re
from typing import Optional

TENSORS = {
    'cls_token': 'backbone.cls_token',
    'pos_embed': 'backbone.pos_embed',
    'mask_token': 'neck.mask_token',
    'decoder_pos_embed': 'neck.decoder_pos_embed',
}
MODULES = {
    'patch_embed.proj': 'backbone.patch_embed.projection',
    'norm': 'backbone.ln1',
    'fc_norm': 'backbone.ln2',  # instead of `norm`, where patches are averaged
    'head': 'head.layers.head',
    'decoder_embed': 'neck.decoder_embed',
    'decoder_norm': 'neck.ln1',
    'decoder_pred': 'neck.decoder_pred',
}
STACKS = {'blocks': 'backbone.layers', 'decoder_blocks': 'neck.decoder_blocks'}
IN_BLOCK = {
    'norm1': 'ln1',
    'norm2': 'ln2',
    'attn.qkv': 'attn.qkv',
    'attn.proj': 'attn.proj',
    'mlp.fc1': 'ffn.layers.0.0',
    'mlp.fc2': 'ffn.layers.1',
}

# The children of a torchvision or timm ResNet, counted, where somebody put them into an
# nn.Sequential (lightly's examples do). Those between have no weights.
SEQUENTIAL_RESNET = {'0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3',
                     '7': 'layer4'}


def to_mmpretrain(name: str) -> Optional[str]:
    """mmpretrain's name of a timm or official-MAE weight; None if the table has no such weight.

    Example:
        >>> to_mmpretrain('blocks.11.mlp.fc1.bias')
        'backbone.layers.11.ffn.layers.0.0.bias'
    """
    return _translate(name, TENSORS, MODULES, STACKS, IN_BLOCK)


def to_timm(name: str) -> Optional[str]:
    """timm's (and the official MAE's) name of a weight of mmpretrain; None if there is none.

    Both heads of mmpretrain become ``head``: ``VisionTransformerClsHead`` and ``LinearClsHead``.

    Example:
        >>> to_timm('head.fc.weight'), to_timm('backbone.layers.0.ln2.bias')
        ('head.weight', 'blocks.0.norm2.bias')
    """
    modules = {**_inverse(MODULES), 'head.fc': 'head'}
    return _translate(name, _inverse(TENSORS), modules, _inverse(STACKS), _inverse(IN_BLOCK))


def from_sequential_resnet(name: str) -> Optional[str]:
    """A ResNet's own name of a weight of its children in a row; None if it has no such child.

    Example:
        >>> from_sequential_resnet('4.0.conv1.weight'), from_sequential_resnet('2.weight')
        ('layer1.0.conv1.weight', None)
    """
    child, _, rest = name.partition('.')
    return f'{SEQUENTIAL_RESNET[child]}.{rest}' if child in SEQUENTIAL_RESNET else None


def _translate(name: str, tensors: dict, modules: dict, stacks: dict,
               in_block: dict) -> Optional[str]:
    if name in tensors:
        return tensors[name]
    module, _, leaf = name.rpartition('.')
    if leaf not in ('weight', 'bias'):
        return None
    if module in modules:
        return f'{modules[module]}.{leaf}'
    match = re.fullmatch(r'(.+?)\.(\d+)\.(.+)', module)
    if match and match[1] in stacks and match[3] in in_block:
        return f'{stacks[match[1]]}.{match[2]}.{in_block[match[3]]}.{leaf}'
    return None


def _inverse(table: dict) -> dict:
    return {theirs: ours for ours, theirs in table.items()}
