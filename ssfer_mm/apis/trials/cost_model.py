"""What stage I would cost on other machines: ``tools/cost_model.py``."""
import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Optional

from mmengine.config import Config
from mmengine.logging import MMLogger

from ssfer_mm.apis.output_files import check_output
from ssfer_mm.command_line.parsers import cost_model_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.engine import SafeCheckpointHook
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json
from ssfer_mm.profiling.arithmetic import StepWork
from ssfer_mm.profiling.cost import Cost, Device, Input, Training, predict
from ssfer_mm.profiling.devices import Shares, gpu
from ssfer_mm.profiling.pretraining import ImageCost, Pretraining, time_images
from ssfer_mm.ranges import check_number

from .cost_report import show

# Without --faces: what an aligned JPEG of 112 px takes to be read, decoded and cropped to 224 px by
# one core of an AMD EPYC (Zen 3); docs/cost.md says how that was measured.
USUAL_IMAGE = ImageCost(seconds=1.7e-3, bytes=3000)


def cost_model(cfg: Config, args: argparse.Namespace) -> dict:
    """Count, time, and predict.

    Args:
        cfg: A config of stage I, as from `load_config`.
        args: As from `cost_model_parser`.

    Returns:
        What ``--json`` writes: the work, the input, the assumptions, and the cost per device.

    Raises:
        UserError: The config is not one of stage I, or a number makes no sense.
    """
    _check(args)
    pretraining = Pretraining(cfg)
    training = _training(cfg, args, pretraining.parameters, pretraining.work())
    image = time_images(cfg, Path(args.faces)) if args.faces else _given(args)
    workers = cfg.train_dataloader.num_workers if args.workers is None else args.workers
    source = Input(image.seconds, workers, image.bytes)
    shares = Shares(flops=args.matrix_share, call=args.call_us * 1e-6)
    cores = args.cores or max(workers, 1)
    costs = {key: _on(gpu(key, cores, shares, args.precision), training, source, args)
             for key in args.devices}
    return dict(
        config=str(cfg.filename), precision=args.precision,
        training=dict(asdict(training), steps=training.steps,
                      checkpoint_bytes=training.checkpoint_bytes),
        image=asdict(image), workers=workers, cores=cores, shares=asdict(shares),
        write_rate=args.write_rate * 1e6, devices=costs)


def _training(cfg: Config, args: argparse.Namespace, parameters: int,
              work: StepWork) -> Training:
    whole = cfg.get('auto_scale_lr', {}).get('base_batch_size', cfg.train_dataloader.batch_size)
    batch = args.batch or max(1, whole // args.gpus)
    saving = cfg.default_hooks.checkpoint
    epochs = args.epochs or cfg.train_cfg.max_epochs
    keep = saving.get('max_keep_ckpts', -1)
    minutes = (saving.get('minutes', SafeCheckpointHook().minutes)
               if str(saving.get('type')).split('.')[-1] == 'SafeCheckpointHook' else None)
    training = Training(args.images, epochs, batch, args.gpus, parameters, work, epochs, minutes,
                        keep if keep > 0 else None)
    if training.steps < 1:
        raise UserError(f'--images {args.images}: fewer than a step of {args.gpus} x {batch} '
                        'takes; give more images, or a smaller --batch')
    if saving.interval <= 0:  # by the clock, and at the end
        return training
    unit = 1 if saving.get('by_epoch', True) else training.steps
    return replace(training, save_every=saving.interval / unit)


def _on(device: Device, training: Training, source: Input, args: argparse.Namespace) -> dict:
    """The cost on a device, with its rates, and again if matrix products were half or 1.5 times as
    fast: what the weakest assumption is worth."""
    def cost(factor: float) -> Cost:
        other = replace(device, flops=factor * device.flops)
        return predict(training, other, source, args.write_rate * 1e6)

    expected = cost(1.)
    return dict(asdict(expected), device=asdict(device), device_hours=expected.device_hours,
                total_if_matrices_were={factor: cost(factor).total for factor in (0.5, 1.5)})


def _given(args: argparse.Namespace) -> ImageCost:
    given = USUAL_IMAGE
    if args.worker_rate:
        given = replace(given, seconds=1 / args.worker_rate)
    if args.image_bytes:
        given = replace(given, bytes=args.image_bytes)
    return given


def _check(args: argparse.Namespace) -> None:
    for name in ('images', 'epochs', 'gpus', 'batch', 'worker_rate', 'image_bytes', 'cores',
                 'matrix_share', 'call_us', 'write_rate'):
        value = getattr(args, name)
        if value is not None:
            check_number('cost_model.py', f'--{name.replace("_", "-")}', value, positive=True)
    if args.workers is not None:
        check_number('cost_model.py', '--workers', args.workers)
    if args.faces and not Path(args.faces).is_dir():
        raise UserError(f'--faces {args.faces}: no such folder; name one with face images, or '
                        'leave it out and give --worker-rate')


def command(argv: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(argv))


def main(argv: Optional[Sequence[str]] = None) -> dict:
    """``tools/cost_model.py``."""
    args = cost_model_parser().parse_args(argv)
    check_output('--json', args.json)
    MMLogger.get_current_instance().setLevel('ERROR')  # not a word about every weight's decay
    result = cost_model(load_config(args.config, args.cfg_options), args)
    show(result)
    if args.json:
        write_json(args.json, result)
    return result
