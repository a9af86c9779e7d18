"""Checkpoint to weights file: the work behind ``tools/export_face_detector.py``."""
import argparse
import copy
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ssfer_mm.apis.export.convert_checkpoint import check_new
from ssfer_mm.apis.output_files import check_output
from ssfer_mm.checkpoints import check_suffix
from ssfer_mm.command_line.parsers import export_face_detector_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from ssfer_mm.faces.detectors.embedded import WEIGHTS
from ssfer_mm.faces.detectors.mmdet_model import build_model, load_weights
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.safe_loading import load_checkpoint_safely
from ssfer_mm.version import __version__

MAX_BYTES = 4_000_000
# Half precision may move a score by this much, and an edge of a box by this share of its side.
TOLERANCE = .01


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(export_face_detector_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> None:
    if args.input_size < 1:
        raise UserError(f'--input-size {args.input_size}: expected pixels, 1 or more')
    args.out = str(WEIGHTS) if args.out is None else os.path.expanduser(args.out)
    check_suffix(Path(args.out), ('.safetensors', ))
    check_output('--out', args.out)
    check_new(args.force, Path(args.out))
    cfg = load_config(args.config)
    checkpoint = load_checkpoint_safely(args.checkpoint)
    model_cfg = deployed_config(cfg)
    weights = checkpoint.get('state_dict', checkpoint)
    worst = export(model_cfg, weights, args.out, args.input_size,
                   training_summary(cfg, checkpoint), str(args.checkpoint))
    print(f'written to {args.out} ({Path(args.out).stat().st_size / 1e6:.2f} MB); half precision '
          f'changes scores and boxes by at most {worst:.5f}')
    if Path(args.out).resolve() == WEIGHTS.resolve():
        onnx = os.path.relpath(WEIGHTS.with_suffix('.onnx'))
        print(f'{onnx} takes its weights from this file and still expects the former ones; '
              'write it anew with:\n  '
              + shlex.join(['python', 'tools/export_onnx_detector.py', onnx, '--share-weights',
                            '--force']))


def deployed_config(cfg: Config) -> dict:
    """The model of a training config without what only training needs."""
    if 'bbox_head' not in (cfg.get('model') or {}):
        raise UserError(f'{cfg.filename} holds no model that finds boxes; name the config of a '
                        'face detector')
    model = copy.deepcopy(cfg.model.to_dict())
    model.pop('_scope_', None)
    model.get('data_preprocessor', {}).pop('batch_augments', None)
    model.pop('train_cfg', None)
    return model


def training_summary(cfg: Config, checkpoint: Mapping) -> dict:
    """What the file says about its origin."""
    meta = checkpoint.get('meta') or {}
    data = cfg.train_dataloader.dataset
    steps = int(meta.get('iter', 0))
    start = Path(cfg.load_from) if cfg.get('load_from') else None
    return dict(config=Path(cfg.filename).name, steps=steps,
                pictures=steps * cfg.train_dataloader.batch_size,
                start=f'{start.parent.name}/{start.name}' if start else 'random weights',
                held_out='sha256(name) % 5 == 0',
                data=f'{data.type}: photographed face crops and SynthFER', version=__version__,
                averaged='ema_state_dict' in checkpoint)


def export(model_cfg: dict, weights: Mapping[str, Tensor], path: str, input_size: int,
           training: Mapping, origin: str) -> float:
    """Write a self-describing safetensors file, convolutions in half precision.

    Args:
        model_cfg: mmdet model config.
        weights: Its state dict; BatchNorm's counters are left out.
        path: File to write.
        input_size: Side of the square into which images are to be fitted.
        training: A summary, kept in the file.
        origin: What to call the weights in an error.

    Returns:
        How far outputs move through half precision: the larger one of the change of scores and
        that of boxes relative to their size.

    Raises:
        UserError: The weights do not fit the config, are too large, or do not survive half
            precision.
    """
    from safetensors.torch import save

    weights = {name: value.contiguous() for name, value in weights.items()
               if not name.endswith('num_batches_tracked') and name.split('.')[0] in (
                   'backbone', 'neck', 'bbox_head')}
    # Statistics and biases are few, and a variance may be too small for half precision.
    stored = {name: value.half() if value.ndim > 1 else value.float()
              for name, value in weights.items()}
    models = []
    for these in (weights, stored):
        model = build_model(model_cfg, origin).eval()
        load_weights(model, {name: value.float() for name, value in these.items()}, origin)
        models.append(model)
    worst = difference(*models, input_size)
    if worst > TOLERANCE:
        raise UserError(f'{origin}: half precision changes outputs by {worst:.3f}, more than '
                        f'{TOLERANCE}; train longer or with a lower learning rate')
    metadata = dict(config=json.dumps(model_cfg), input_size=str(input_size),
                    training=json.dumps(training), format='pt')
    # Shared tensors are stored once per name: copies keep the file plain to read.
    content = save({name: value.clone() for name, value in stored.items()}, metadata)
    if len(content) > MAX_BYTES:
        raise UserError(f'{origin}: {len(content) / 1e6:.1f} MB of weights, at most '
                        f'{MAX_BYTES / 1e6:.0f} MB go into the package; make the network smaller')
    with atomic_write(path, 'wb') as file:
        file.write(content)
    return worst


@torch.no_grad()
def difference(first: nn.Module, second: nn.Module, size: int) -> float:
    """Largest change of scores, and of distances to the edges relative to the larger one."""
    images = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(0))
    outputs = [model(images, mode='tensor') for model in (first, second)]
    worst = 0.
    for one, other in zip(*(scores for scores, _ in outputs)):
        worst = max(worst, (one.sigmoid() - other.sigmoid()).abs().max().item())
    for one, other in zip(*(edges for _, edges in outputs)):
        worst = max(worst, ((one - other).abs() / one.abs().amax(1, keepdim=True)).max().item())
    return worst
