"""Settings that must fit each other, or this machine: seen before a model is built."""
import math

import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS

from ssfer_mm.errors import UserError


def check_settings(cfg: Config) -> None:
    """Refuse those that would fail later, or do something else without a word.

    Raises:
        UserError: Some would.
        KeyError: There is no such optimizer.
    """
    _check_optimizers(cfg)
    _check_sync_bn(cfg)
    _check_spark(cfg.get('model') or {})


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


def _check_spark(model: dict) -> None:
    """What SparK hides and paints are squares as large as a cell of the last stage."""
    backbone = model.get('backbone') or {}
    if model.get('type') != 'SparK' or backbone.get('type') != 'SparseResNet_CIFAR':
        return
    cell = math.prod(backbone.get('strides', (1, 2, 2, 2)))
    for part, name in (('', 'downsample_raito'), ('neck', 'upsample_ratio'),
                       ('head', 'patch_size')):
        value = (model.get(part) or {} if part else model).get(name)
        if value != cell:
            key = '.'.join(filter(None, ('model', part, name)))
            raise UserError(f"SparK: {key} is {value}, but the strides of the backbone's stages "
                            f'multiply to {cell}: set it to {cell}, and so the other two of '
                            'model.downsample_raito (sic), model.neck.upsample_ratio and '
                            'model.head.patch_size')
