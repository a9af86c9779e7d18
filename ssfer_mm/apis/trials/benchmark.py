"""How fast the stages of a config train, and where the time goes: ``tools/benchmark.py``."""
import argparse
import importlib.util
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Optional

import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner

from ssfer_mm.apis.output_files import check_output
from ssfer_mm.apis.training.config_kind import check_kind
from ssfer_mm.apis.training.launch import build_runner
from ssfer_mm.command_line.parsers import benchmark_parser
from ssfer_mm.command_line.parsers.trials import ACCEPTANCE
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.engine.precision import precision_of
from ssfer_mm.engine.unwrap import model_of
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json
from ssfer_mm.models.online_boxes import OnlineBoxes
from ssfer_mm.profiling import Feed
from ssfer_mm.profiling.stage import AcceptShare, StageBenchmark
from ssfer_mm.runtime.processor import processor_name

from .benchmark_report import show

PLAIN = Path(__file__).resolve().parents[3] / 'benchmarks' / 'plain_ssfer.py'


def benchmark(cfg: Config, args: argparse.Namespace) -> dict:
    """Measure every stage of a training config.

    The run is set up as for training: same model, loaders, hooks, optimizers; in a temporary work
    dir, without validation. Nothing of it is kept.

    Args:
        cfg: As from `load_config`.
        args: As from `benchmark_parser`.

    Returns:
        What ``--json`` writes for one config.

    Raises:
        UserError: the configuration or its data cannot be used.
    """
    check_kind(cfg)
    if 'mmdet' in (cfg.model.get('_scope_'), cfg.get('default_scope')):
        raise UserError(f'{cfg.filename} trains a face detector, which is not timed here: name a '
                        'config of configs/ssfer, configs/baselines or configs/mae')
    _prepare(cfg, args)
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        runner = build_runner(cfg)
        keep_off_the_screen(runner)
        loop = runner.build_train_loop(cfg.train_cfg)
        runner._train_loop = loop
        stages: dict[str, dict] = {}

        def measure():
            runner.call_hook('before_train')
            stages.update(_measure_stages(runner, args))
            return runner.model

        # Everything before the loop is mmengine's own; in its place the measurement runs.
        loop.run = measure
        try:
            runner.train()
        finally:
            _close_log(runner)  # it lies in the folder that goes now
    return dict(config=str(cfg.filename), precision=precision_of(runner.optim_wrapper),
                workers=cfg.train_dataloader.get('num_workers', 0), stages=stages)


def _prepare(cfg: Config, args: argparse.Namespace) -> None:
    for kind in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{kind}_{part}'] = None
    cfg.resume, cfg.load_from = False, args.checkpoint
    cfg.launcher = 'none'  # the config that a run of several processes left names theirs
    if 'pretrained' in cfg.model:
        cfg.model.pretrained = None  # the speed is the same, and the file may not be here
    if args.workers is not None:
        cfg.train_dataloader.num_workers = args.workers
    # Written by the clock it would fall into some block, and look like the cost of every step.
    checkpoint = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if checkpoint.get('type') == 'SafeCheckpointHook':
        checkpoint.minutes = None
    cfg.log_level = 'WARNING'


def keep_off_the_screen(runner: Runner) -> None:
    """Log as in training, but only into the log file."""
    runner.logger.setLevel(logging.INFO)
    for handler in runner.logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setLevel(logging.WARNING)


def _close_log(runner: Runner) -> None:
    for handler in list(runner.logger.handlers):
        if isinstance(handler, logging.FileHandler):
            runner.logger.removeHandler(handler)
            handler.close()


def _measure_stages(runner: Runner, args: argparse.Namespace) -> dict[str, dict]:
    loop, found, feed = runner.train_loop, {}, None
    for stage in getattr(loop, 'stages', [None]):
        name = getattr(stage, 'name', 'pretrain')
        if args.stage and name not in args.stage:
            continue
        if stage is not None:
            loop._epoch, loop._iter = stage.begin_epoch, stage.begin_iter
            loop.enter(stage)
        if feed is None:
            feed = Feed(loop.dataloader)
        else:
            feed.restart()
        if _keeps_images(runner.cfg.train_dataloader.dataset.to_dict()):
            feed.run_through()
        # The switch of stages hands on weights and builds the stage's optimizer.
        runner.call_hook('before_train_epoch')
        # As many steps as it takes, which may be more than the stage has.
        runner.optim_wrapper.initialize_count_status(runner.model, 0, -1)
        runner.model.train()
        model = model_of(runner)
        if stage is not None and args.acceptance is not None:
            model.pseudo_label = AcceptShare(args.acceptance)
        plain = _plain_step(runner, stage, args)
        found[name] = StageBenchmark(runner, feed, args.rounds, args.block_seconds,
                                     plain).measure()
    if not found:
        raise UserError(f'--stage {" ".join(args.stage)}: the config has no such stage; it has '
                        f'{", ".join(s.name for s in getattr(loop, "stages", ())) or "pretrain"}')
    return found


def _keeps_images(setting: object) -> bool:
    """Whether something in a dataset's config keeps what it has decoded, or finished items."""
    if isinstance(setting, dict):
        keeps = setting.get('cache_gb') or setting.get('keep_gb')
        return bool(keeps) or any(map(_keeps_images, setting.values()))
    return isinstance(setting, (list, tuple)) and any(map(_keeps_images, setting))


def _plain_step(runner: Runner, stage, args: argparse.Namespace):
    """A step of the plain implementation, where there is one for this stage."""
    model = model_of(runner)
    if args.no_plain or stage is None or not PLAIN.is_file():
        return None
    module, wrapper = load_plain(), stage.optim_wrapper or runner.cfg.optim_wrapper
    if not module.does_the_same(model, wrapper, semi=stage.unlabeled > 0):
        return None
    options = {key: value for key, value in dict(wrapper['optimizer']).items()
               if key not in ('fused', 'foreach')}
    plain = module.PlainSSFER(
        model, lambda student: OPTIMIZERS.build(dict(options, params=student.parameters())),
        OnlineBoxes(args.detector, bgr=model.data_preprocessor.to_rgb))
    return plain.train_step


def load_plain() -> ModuleType:
    """``benchmarks/plain_ssfer.py``, which is not part of the package."""
    spec = importlib.util.spec_from_file_location('plain_ssfer', PLAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def machine() -> dict:
    """What the figures depend on besides the config."""
    return dict(processor=processor_name(), threads=torch.get_num_threads(),
                torch=torch.__version__,
                gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None)


def _check_numbers(args: argparse.Namespace) -> None:
    """What would fail late, or measure something else than was asked for."""
    for name, least in (('rounds', 1), ('threads', 1), ('workers', 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise UserError(f'--{name} {value}: expected at least {least}')
    if args.acceptance is not None and not 0 <= args.acceptance <= 1:
        raise UserError(f'--acceptance {args.acceptance}: expected a share in 0-1, such as '
                        f'{ACCEPTANCE}')


def command(argv: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(argv))


def main(argv: Optional[Sequence[str]] = None) -> list[dict]:
    """``tools/benchmark.py``."""
    args = benchmark_parser().parse_args(argv)
    check_output('--json', args.json)
    if args.acceptance is None and not args.checkpoint:
        args.acceptance = ACCEPTANCE
    _check_numbers(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    results = []
    for config in args.config:
        result = dict(benchmark(load_config(config, args.cfg_options), args), **machine())
        show(result)
        results.append(result)
        if args.json:  # after each: what was measured is kept if a later config fails
            write_json(args.json, results)
    return results
