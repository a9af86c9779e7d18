"""Bring the weights of stage I into a classifier's backbone, and account for every one."""
import logging
import os.path as osp
from typing import Dict, List

from mmengine.logging import print_log
from torch import Tensor, nn

from ssfer_mm.checkpoints import weights_in
from ssfer_mm.checkpoints.backbone_part import backbone_part, grouped
from ssfer_mm.checkpoints.load import load_into
from ssfer_mm.errors import UserError, one_line
from ssfer_mm.safe_loading import load_checkpoint_safely

OTHERWISE = ('use the checkpoint of a model of the same architecture and image size, or set '
             'model.pretrained=None')


def load_backbone(backbone: nn.Module, source: str) -> None:
    """Load the backbone of a checkpoint.

    Args:
        backbone: Module to fill. A ViT's position embedding is interpolated by mmpretrain where
            the image size differs.
        source: A checkpoint: stage I (``MAE``), an ``ImageClassifier``, an ``SSFER`` run, a bare
            backbone, an official MAE, a timm ViT, a ResNet of torchvision or timm, or what was
            trained by others around one of these: `PREFIXES` says where it may stand, and which of
            several networks is taken. Its path, ``.pth`` or ``.safetensors``, its address, or a
            name that mmengine knows, such as ``torchvision://resnet50``. What is no part of the
            backbone stays behind, and the log says what that was.

    Raises:
        UserError: The file is missing, unsafe or damaged; or it does not fit, see `fill_backbone`.
    """
    checkpoint = _read(source)
    try:
        part = backbone_part(weights_in(checkpoint), backbone.state_dict())
    except UserError as error:
        raise UserError(f'{source}: {error}') from error
    whence = f'{part.prefix}* of {source}' if part.prefix else source
    fill_backbone(backbone, part.weights, whence)
    left = ', '.join(grouped(part.left, part.prefix))
    print_log(f'Backbone: {len(part.weights)} tensors from {whence}'
              + (f'; what stays behind: {left}' if left else ''), logger='current')


def fill_backbone(backbone: nn.Module, weights: Dict[str, Tensor], source: str) -> None:
    """Put weights into a backbone, all of them and nothing else.

    The only exception is the last norm of a ViT that averages its patches
    (``out_type='avg_featmap'``). Stage I has no ``ln2``, which then stays as it was initialized;
    and ``ln1`` stays behind where ``final_norm=False`` leaves ``ln2`` in its place.

    Args:
        backbone: Module to fill.
        weights: Under the backbone's own names.
        source: What to call them in messages.

    Raises:
        UserError: There is one too many, one too few, or one of another shape.
    """
    kind = type(backbone).__name__
    try:
        missing, unexpected = load_into(backbone, weights)
    except (RuntimeError, ImportError) as error:
        if 'scipy' in str(error).lower():  # interp2d, which SciPy 1.14 removed
            raise UserError(
                f'{source} has relative positions of another window than the backbone {kind}, '
                'which mmpretrain can resize with an older SciPy only: type "pip install '
                "'scipy<1.14'\", or keep the window_size and img_size of the checkpoint, or set "
                'model.pretrained=None') from error
        detail = str(error).strip().splitlines()[-1].strip()
        raise UserError(f'{source} does not fit the backbone {kind}: {detail} - '
                        f'{OTHERWISE}') from error
    new, replaced = _norms_of_average(backbone, missing, unexpected)
    missing = [name for name in missing if name not in new]
    unexpected = [name for name in unexpected if name not in replaced]
    if missing or unexpected:
        raise UserError(
            f'{source} does not fit the backbone {kind}: '
            f'{len(missing)} weights are missing ({", ".join(missing[:3]) or "none"}), '
            f'{len(unexpected)} are unknown ({", ".join(unexpected[:3]) or "none"}) - {OTHERWISE}')
    if new:
        left = f'; {", ".join(replaced)} stay behind' if replaced else ''
        print_log(f'Backbone: {source} has no norm of averaged patches, {", ".join(new)} are '
                  f'newly initialized{left}', logger='current', level=logging.WARNING)


def _norms_of_average(backbone: nn.Module, missing: List[str],
                      unexpected: List[str]) -> tuple[List[str], List[str]]:
    """Names that may be missing, and those that may be left over, see `fill_backbone`."""
    own = [name for name in backbone.state_dict() if name.startswith('ln2.')]
    if getattr(backbone, 'out_type', None) != 'avg_featmap' or not own or not {*own} <= {*missing}:
        return [], []
    return own, [name for name in unexpected if name.startswith('ln1.')]


def _read(source: str) -> dict:
    path = osp.expanduser(source)
    if '://' in source and not osp.exists(path):
        return _fetch(source)
    if not osp.exists(path):
        raise UserError(f'no pre-trained weights at {source!r}: {_how_to_get(source)}')
    return load_checkpoint_safely(path)


def _fetch(source: str) -> dict:
    from mmengine.runner import CheckpointLoader
    try:
        return CheckpointLoader.load_checkpoint(source, map_location='cpu')
    except (OSError, ImportError, LookupError, ValueError, AssertionError) as error:
        # mmengine looks short names up in tables.
        why = 'no such name is known' if isinstance(error, KeyError) else one_line(error)
        raise UserError(f'no pre-trained weights from {source!r} ({why}): name a file with '
                        '"--cfg-options model.pretrained=PATH", or train from scratch with '
                        '"--cfg-options model.pretrained=None"') from error


def _how_to_get(source: str) -> str:
    """The command that makes the missing file, where its folder is named after a config."""
    config = osp.join('configs', 'mae', osp.basename(osp.dirname(source)) + '.py')
    train = f'train stage I with "python tools/train.py {config}"' if osp.isfile(config) else (
        'train stage I with one of configs/mae/*.py')
    return (f'{train}, or name another checkpoint with '
            '"--cfg-options model.pretrained=PATH", or train from scratch with '
            '"--cfg-options model.pretrained=None"')
