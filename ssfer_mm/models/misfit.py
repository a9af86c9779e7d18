"""Images, backbone, neck and head that do not fit together: which, and what to set."""
import inspect
from typing import Optional

import torch
from torch import Tensor, nn


@torch.no_grad()
def misfit(network: nn.Module, images: Tensor, error: Exception) -> Optional[str]:
    """Why a classifier that raised ``error`` cannot take these images; None if it is not that.

    Looks at what its parts give in evaluation mode, where they exchange nothing with other
    processes and learn no statistics.
    """
    if not hasattr(network, 'backbone'):  # wrapped, or another kind of network
        return None
    training = network.training
    network.eval()
    try:
        return _misfit(network, images, error)
    finally:
        network.train(training)


def _misfit(network: nn.Module, images: Tensor, error: Exception) -> Optional[str]:
    backbone, neck = network.backbone, getattr(network, 'neck', None)
    name, text = type(backbone).__name__, str(error).strip().split('\n')[0][:150]
    features = _output(backbone, images)
    if features is None:
        first = next((part for part in backbone.modules() if isinstance(part, nn.Conv2d)), None)
        channels = images.shape[1]
        if first is not None and first.in_channels != channels and f'{channels} channels' in text:
            return _channel_misfit(backbone, first.in_channels, channels)
        height, width = images.shape[2:]
        return (f'{name} cannot take images of {height} x {width} ({text}): '
                f'{_size_setting(backbone, text)}give the images another size with the scale in '
                'the pipelines of all dataloaders')
    if getattr(backbone, 'aux_logits', False) and 'size' in text:  # computed in training only
        return (f'the auxiliary classifier of {name} cannot take such small images ({text}): set '
                'model.classifier.backbone.aux_logits=False; SSFER does not train it')
    pooling = 'model.classifier.neck.type=GlobalAveragePooling'
    if neck is not None:
        kind, given = type(neck).__name__, _shape(features)
        if _pools_maps(neck) and given.count(',') == 2:
            return f'{kind} averages maps, and {name} gives {given}: {_token_setting(network)}'
        features = _output(neck, features)
        if features is None:
            return (f'{kind} cannot take what {name} gives, {given} ({text}): '
                    'remove model.classifier.neck, or set the one that belongs to this backbone')
        name = f'{kind} after {name}'
        pooling = (f"model.classifier.neck to a list, [dict(type='{kind}', ...), "
                   "dict(type='GlobalAveragePooling')]")
    elif _shape(features).count(',') == 2:
        return (f'{type(network.head).__name__} scores every token of {name}, which gives '
                f'{_shape(features)}: {_token_setting(network)}')
    return _head_misfit(network.head, features, name, pooling, error)


def _channel_misfit(backbone: nn.Module, wanted: int, channels: int) -> str:
    """What to do about a backbone whose first convolution reads other channels than images have."""
    setting = ('take another backbone' if 'in_channels' not in
               inspect.signature(type(backbone)).parameters else
               f'set model.classifier.backbone.in_channels={channels}')
    return f'{type(backbone).__name__} reads {wanted} channels, images have {channels}: {setting}'


def _size_setting(backbone: nn.Module, text: str) -> str:
    """What to set in a backbone that cannot take the images, with an ``or``; '' if nothing."""
    if 'pad_small_map' in text:
        return 'set model.classifier.backbone.pad_small_map=True, or '
    if type(backbone).__name__ == 'HiViT':
        # It takes a block for the last one if its number is that of the last in the last stage.
        early = len(backbone.blocks) - backbone.num_main_blocks
        if backbone.num_main_blocks <= early:
            return (f'set the last of model.classifier.backbone.arch.depths to {early + 1} or '
                    'more, or ')
    arguments = inspect.signature(type(backbone)).parameters
    passed_on = any(argument.kind is argument.VAR_KEYWORD for argument in arguments.values())
    if 'img_size' in arguments or passed_on:
        return 'set model.classifier.backbone.img_size to that, or '
    if 'resolution' in arguments:  # EfficientFormer's last map
        return 'set model.classifier.backbone.resolution to a 32nd of that, or '
    return ''


def _pools_maps(neck: nn.Module) -> bool:
    """Whether it is GlobalAveragePooling for maps, which takes tokens for one map without a batch
    and gives one number per image."""
    return isinstance(getattr(neck, 'gap', None), nn.AdaptiveAvgPool2d)


def _token_setting(network: nn.Module) -> str:
    """What to set where the head is given tokens (B, N, C) instead of one vector per image."""
    pooled = network.neck is not None
    if hasattr(network.backbone, 'out_type'):  # a ViT
        return ('set model.classifier.backbone.out_type=avg_featmap'
                + ' and model.classifier.neck=None' * pooled)
    return ('set ' + 'model.classifier.neck.type=GlobalAveragePooling and ' * (not pooled)
            + 'model.classifier.neck.dim=1')


def _head_misfit(head: nn.Module, features: object, giver: str, pooling: str,
                 error: Exception) -> Optional[str]:
    """Why a head, most of which read (B, C), cannot read what backbone and neck give.

    ``pooling`` is the setting that would make numbers of maps.
    """
    kind = type(head).__name__
    linear = next((module for module in head.modules() if isinstance(module, nn.Linear)), None)
    last = features[-1] if isinstance(features, (tuple, list)) else features
    if isinstance(error, NotImplementedError):
        return (f'{kind} cannot be trained ({error}): set model.classifier.head.distillation=False '
                'where it has that, or take LinearClsHead')
    if linear is None:
        return None
    if not isinstance(last, Tensor) or last.ndim != 2:
        return (f'{kind} cannot read what {giver} gives, {_shape(features)}: for maps (B, C, h, w) '
                f'set {pooling}, else take the head that belongs to this backbone, with '
                'in_channels as above')
    if last.shape[1] != linear.in_features:
        return (f'model.classifier.head.in_channels is {linear.in_features}, but {giver} gives '
                f'{last.shape[1]} numbers per image: set model.classifier.head.in_channels='
                f'{last.shape[1]}')
    return None


def _output(module: nn.Module, inputs: object) -> object:
    """What a module gives; None if it raises an error."""
    try:
        return module(inputs)
    except Exception:
        return None


def _shape(features: object) -> str:
    """The last level of what a backbone gives, in words: ``(B, 128, 6, 6)``."""
    last = features[-1] if isinstance(features, (tuple, list)) else features
    if isinstance(last, Tensor):
        return '(' + ', '.join(['B', *map(str, last.shape[1:])]) + ')'
    return ' and '.join(map(_shape, last))
