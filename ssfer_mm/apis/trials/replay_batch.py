"""Look into a batch that ended a run: which module, and which gradients, were not finite."""
import contextlib
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner.amp import autocast
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.checkpoints import read_config_text
from ssfer_mm.checkpoints.load import load_all
from ssfer_mm.command_line.parsers import replay_batch_parser
from ssfer_mm.command_line.printing import shown
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.component_types import check_types
from ssfer_mm.config import load_config
from ssfer_mm.engine import CheckpointFolder, config_beside, load_failed_batch, set_rng_states
from ssfer_mm.engine.bfloat16_optim_wrapper import bfloat16_passes
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.devices import check_device
from ssfer_mm.safe_loading import load_checkpoint_safely


def command(arguments: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(arguments))


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """``tools/replay_batch.py``."""
    args = replay_batch_parser().parse_args(arguments)
    check_device(args.device)
    failed = load_failed_batch(args.file)
    cfg = load_config(args.config) if args.config else read_config(failed, args.file)
    weights = args.checkpoint or _weights(failed, Path(args.file))
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        model = build_model(cfg, weights).to(args.device)
    print(f'iteration {failed["iteration"] + 1} (epoch {failed["epoch"] + 1}), process '
          f'{failed["rank"]}, weights of {weights}')
    print(f'images: {", ".join(map(shown, failed["ids"]))}')
    print(f'in the run: {_figures(failed["losses"])}, gradient norm {failed["grad_norm"]}')
    if failed['class_counts'] and hasattr(model, 'learn_class_counts'):
        model.learn_class_counts(torch.tensor(failed['class_counts']))
    report = replay(model, failed)
    print('\n'.join(report))


def read_config(failed: dict, file: str) -> Config:
    """The config inside a file, of which nothing is run, nor any module imported that it names.

    Raises:
        UserError: Its model has parts that are not of the known packages.
    """
    cfg = Config(read_config_text(failed['config'], file))
    try:
        check_types([cfg.get('model'), cfg.get('data_preprocessor')])
    except UserError as error:  # ends in --config
        beside = config_beside(file, failed['config'])
        if beside is None:
            raise
        raise UserError(f'{error} {beside}') from error
    return cfg


def build_model(cfg: Config, weights: str) -> nn.Module:
    """The model of a training config with the weights of a checkpoint in it.

    Raises:
        UserError: The weights do not fit.
    """
    model_cfg = cfg.model.to_dict()
    if cfg.get('data_preprocessor') is not None:
        model_cfg.setdefault('data_preprocessor', cfg.data_preprocessor.to_dict())
    model = MODELS.build(model_cfg)
    try:
        load_all(model, load_checkpoint_safely(weights)['state_dict'])
    except (RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise UserError(f'{weights} does not fit the model of the run ({reason}): name a '
                        'checkpoint of the same run with --checkpoint') from error
    return model


def replay(model: nn.Module, failed: dict) -> List[str]:
    """Do what the iteration did, with the same draws, up to the optimizer.

    Args:
        model: With the weights to try.
        failed: As from :func:`load_failed_batch`.

    Returns:
        Lines that say what was found.
    """
    model.train()
    first, handles = _watch(model)
    lines = []
    try:
        for batch, rng in zip(failed['batches'], failed['rng']):
            set_rng_states(rng)
            with _precision_of(failed, model):
                data = model.data_preprocessor(batch, True)
                losses = model(**data, mode='loss')
                total, figures = model.parse_losses(losses)
            total.backward()
            values = {name: float(value.detach()) for name, value in figures.items()}
            lines.append(f'replayed: {_figures(values)}')
    finally:
        for handle in handles:
            handle.remove()
    lines.append(f'first output that is not finite: {first[0] if first else "none"}')
    return lines + [_gradients(model)]


def _precision_of(failed: dict, model: nn.Module) -> contextlib.AbstractContextManager:
    """That of the run; float16 is for GPUs only."""
    if failed['precision'] == 'bfloat16':
        return bfloat16_passes(model)
    on_gpu = next(model.parameters()).device.type != 'cpu'
    return autocast() if failed['precision'] == 'float16' and on_gpu else contextlib.nullcontext()


def _watch(model: nn.Module) -> tuple:
    """Note the name of every module whose output is not finite, in the order of computing."""
    found: List[str] = []

    def watch(name: str, module: nn.Module):
        def look(_, __, output) -> None:
            tensors = output if isinstance(output, (list, tuple)) else [output]
            for tensor in tensors:
                if isinstance(tensor, Tensor) and not torch.isfinite(tensor).all():
                    found.append(f'{name} ({type(module).__name__})')
                    break
        return module.register_forward_hook(look)

    return found, [watch(name, module) for name, module in model.named_modules() if name]


def _gradients(model: nn.Module) -> str:
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    bad = [name for name, grad in grads.items() if not torch.isfinite(grad).all()]
    norm = float(torch.nn.utils.get_total_norm(list(grads.values())))
    names = f': {", ".join(bad[:5])}{" ..." if len(bad) > 5 else ""}' if bad else ''
    return f'gradients: norm {norm:.4g}; {len(bad)} of {len(grads)} tensors not finite{names}'


def _weights(failed: dict, path: Path) -> str:
    """The weights that were kept with the batch, or else the newest checkpoint of the run."""
    if failed['weights'] and Path(failed['weights']).is_file():
        return failed['weights']
    newest = CheckpointFolder(str(path.parent)).newest_whole()
    if newest is None:
        raise UserError(f'no weights were kept with {path}, and no checkpoint lies beside it: name '
                        'one with --checkpoint')
    return newest


def _figures(values: Dict[str, float]) -> str:
    return ', '.join(f'{name} {value:.6g}' for name, value in values.items())
