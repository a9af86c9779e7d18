"""Bring the weights of stage I into a classifier's backbone, and account for every one."""
import os.path as osp
from typing import Dict

from mmengine.logging import print_log
from torch import Tensor, nn

from ssfer_mm.checkpoints import in_mmpretrain_names, layout_of, weights_in
from ssfer_mm.checkpoints.load import load_into
from ssfer_mm.errors import UserError
from ssfer_mm.safe_loading import load_checkpoint_safely

# Where the backbone's weights stand in the checkpoints of stage I, of classifiers, of SSFER.
PREFIXES = ('teacher.backbone.', 'backbone.')


def load_backbone(backbone: nn.Module, source: str) -> None:
    """Load the backbone of a checkpoint.

    Args:
        backbone: Module to fill. A ViT's position embedding is interpolated by mmpretrain where
            the image size differs.
        source: Path or URL of a checkpoint: stage I (``MAE``), an ``ImageClassifier``, an
            ``SSFER`` run, a bare backbone, an official MAE or a timm ViT; ``.pth`` or
            ``.safetensors``. Decoder and head stay behind.

    Raises:
        UserError: The file is missing, unsafe or damaged; or a weight of the backbone is not in
            it, or the other way round, or has another shape.
    """
    checkpoint = _read(source)
    try:
        weights = backbone_weights(checkpoint)
    except UserError as error:
        raise UserError(f'{source}: {error}') from error
    fill_backbone(backbone, weights, source)
    print_log(f'Backbone: {len(weights)} tensors from {source}', logger='current')


def fill_backbone(backbone: nn.Module, weights: Dict[str, Tensor], source: str) -> None:
    """Put weights into a backbone.

    Args:
        backbone: Module to fill.
        weights: Under the backbone's own names.
        source: What to call them in messages.

    Raises:
        UserError: There is one too many, one too few, or one of another shape.
    """
    try:
        missing, unexpected = load_into(backbone, weights)
    except RuntimeError as error:
        detail = str(error).strip().splitlines()[-1].strip()
        raise UserError(f'{source} does not fit the backbone {type(backbone).__name__}: {detail} '
                        '- use the checkpoint of a model of the same architecture, or set '
                        'model.pretrained=None') from error
    if missing or unexpected:
        raise UserError(
            f'{source} does not fit the backbone {type(backbone).__name__}: '
            f'{len(missing)} weights are missing ({", ".join(missing[:3]) or "none"}), '
            f'{len(unexpected)} are unknown ({", ".join(unexpected[:3]) or "none"}) - use the '
            'checkpoint of a model of the same architecture, or set model.pretrained=None')


def backbone_weights(checkpoint: dict) -> Dict[str, Tensor]:
    """The backbone's part of a checkpoint, under the backbone's own names.

    Raises:
        UserError: no weights, several sets of them, or a timm ViT that mmpretrain has no twin of.
    """
    state = weights_in(checkpoint)
    if layout_of(state) == 'timm':
        state = in_mmpretrain_names(state)
    for prefix in PREFIXES:
        found = {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
        if found:
            return found
    return dict(state)


def _read(source: str) -> dict:
    if source.startswith(('http://', 'https://')):
        from mmengine.runner import CheckpointLoader
        try:
            return CheckpointLoader.load_checkpoint(source, map_location='cpu')
        except OSError as error:
            raise UserError(f'no pre-trained weights from {source!r} ({error}): connect to the '
                            'network, or copy the file here and name it with "--cfg-options '
                            'model.pretrained=PATH", or train from scratch with "--cfg-options '
                            'model.pretrained=None"') from error
    if not osp.isfile(source):
        raise UserError(f'no pre-trained weights at {source!r}: {_how_to_get(source)}')
    return load_checkpoint_safely(source)


def _how_to_get(source: str) -> str:
    """The command that makes the missing file, where its folder is named after a config."""
    config = osp.join('configs', 'mae', osp.basename(osp.dirname(source)) + '.py')
    train = f'train stage I with "python tools/train.py {config}"' if osp.isfile(config) else (
        'train stage I with one of configs/mae/*.py')
    return (f'{train}, or name another checkpoint with '
            '"--cfg-options model.pretrained=PATH", or train from scratch with '
            '"--cfg-options model.pretrained=None"')
