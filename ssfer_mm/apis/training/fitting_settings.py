"""Settings that must fit each other, or this machine: seen before a model is built."""
import math

import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS
from mmpretrain.registry import MODELS

from ssfer_mm.errors import UserError

# Networks that see what SparK hides, and their twins that do not.
SPARSE = dict(ResNet_CIFAR='SparseResNet_CIFAR', ResNet='SparseResNet', ConvNeXt='SparseConvNeXt')


def check_settings(cfg: Config) -> None:
    """Refuse those that would fail later, or do something else without a word.

    Raises:
        UserError: Settings do not fit each other, or this machine.
        KeyError: There is no such optimizer.
    """
    _check_optimizers(cfg)
    _check_sync_bn(cfg)
    model = cfg.get('model') or {}
    if model.get('type') in ('MAE', 'FaceMAE'):
        _check_mae(model)
        expected = (model.get('backbone') or {}).get('img_size', 224)
        _check_image_size(cfg, expected, 'model.backbone.img_size')
    if model.get('type') == 'SparK':
        _check_spark(model)
        _check_image_size(cfg, model.get('input_size', 224), 'model.input_size')


def _check_optimizers(cfg: Config) -> None:
    """Find a misspelled optimizer before training: mmengine would call None, hours later."""
    train_cfg = cfg.get('train_cfg') or {}
    stages = [train_cfg.get(name) or {} for name in ('supervised', 'semi')]
    for holder in [cfg, *stages]:
        kind = ((holder.get('optim_wrapper') or {}).get('optimizer') or {}).get('type')
        if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
            raise KeyError(f'{kind} is not in the optimizer registry')


def _check_sync_bn(cfg: Config) -> None:
    """mmengine would replace norms that leave hidden cells out by plain ones, without a word."""
    if not cfg.get('sync_bn'):
        return
    if cfg.get('launcher', 'none') != 'none' and not torch.cuda.is_available():
        raise UserError('sync_bn: PyTorch shares the statistics of a batch between GPUs only, and '
                        'found none: remove sync_bn; each process then normalizes its own images')
    if (cfg.get('model') or {}).get('enc_dec_norm_cfg'):
        raise UserError('sync_bn would replace the norms of SparK, which look at shown cells only, '
                        'by plain ones: remove sync_bn; each process then normalizes its own '
                        'images')


def _check_mae(model: dict) -> None:
    """Decoder and head cut an image into the patches of the backbone."""
    backbone, kind = model.get('backbone') or {}, model['type']
    network = MODELS.get(str(backbone.get('type')))
    if network is None:  # mmengine's message has the names
        return
    if not any(hasattr(network, name) for name in ('random_masking', 'masking_id')):
        raise UserError(f'{kind}: {network.__name__} hides no patches: set model.backbone.type='
                        'MAEViT, or take SparK for a convolutional network, as '
                        'configs/mae/spark_*.py do')
    size, patch = backbone.get('img_size', 224), backbone.get('patch_size', 16)
    if size % patch:
        raise UserError(f'{kind}: patches of {patch} pixels do not fill images of {size}: set '
                        f'model.backbone.img_size={size // patch * patch or patch}, and so the '
                        'scale in the pipeline, or another model.backbone.patch_size')
    arch = backbone.get('arch', 'base')
    if isinstance(arch, str):
        arch = network.arch_zoo.get(arch.lower(), {})
    fitting = dict(num_patches=(size // patch)**2, patch_size=patch,
                   embed_dim=arch.get('embed_dims'))
    given = dict(dict(num_patches=196, patch_size=16, embed_dim=1024), **model.get('neck') or {})
    wrong = [f'model.neck.{name}={value}' for name, value in fitting.items()
             if value not in (None, given[name])]
    if (model.get('head') or {}).get('patch_size', 16) != patch:
        wrong.append(f'model.head.patch_size={patch}')
    if wrong:
        raise UserError(f'{kind}: decoder and head do not fit the backbone, to which an image is '
                        f'{fitting["num_patches"]} patches of {patch} pixels: set '
                        f'{" ".join(wrong)}')


def _check_image_size(cfg: Config, expected: int, key: str) -> None:
    """The networks of stage I are made for images of one size; the pipeline makes them."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    made = [step['scale'] for step in dataset.get('pipeline') or () if 'scale' in step]
    if made and isinstance(made[-1], int) and made[-1] != expected:
        raise UserError(f'the pipeline makes images of {made[-1]} pixels, but {key} is '
                        f'{expected}: set {key}={made[-1]}, or the scale of '
                        f'train_dataloader.dataset.pipeline to {expected}')


def _check_spark(model: dict) -> None:
    """What SparK hides and paints are squares as large as a cell of the last stage."""
    backbone = model.get('backbone') or {}
    kind = backbone.get('type')
    if kind in SPARSE:
        raise UserError(f'SparK: {kind} would see what is hidden: set model.backbone.type='
                        f'{SPARSE[kind]}, whose weights stage II loads into {kind}')
    if kind == 'SparseConvNeXt' and backbone.get('gap_before_output', True):
        raise UserError('SparK: the decoder reads maps, and SparseConvNeXt averages them: set '
                        'model.backbone.gap_before_output=False')
    stages = math.prod(backbone.get('strides', (1, 2, 2, 2)))
    cells = dict(SparseResNet_CIFAR=stages, SparseResNet=4 * stages,
                 SparseConvNeXt=8 * backbone.get('stem_patch_size', 4))
    if kind not in cells:
        return
    cell = cells[kind]
    for part, name in (('', 'downsample_raito'), ('neck', 'upsample_ratio'),
                       ('head', 'patch_size')):
        value = (model.get(part) or {} if part else model).get(name, 32)
        if value != cell:
            key = '.'.join(filter(None, ('model', part, name)))
            raise UserError(f'SparK: {key} is {value}, but the strides of the backbone multiply '
                            f'to {cell}: set it to {cell}, and so the other two of '
                            'model.downsample_raito (sic), model.neck.upsample_ratio and '
                            'model.head.patch_size')
