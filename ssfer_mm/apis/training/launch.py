"""Train or test what a config describes: the logic behind ``tools/train.py`` and ``test.py``."""
import argparse
import logging
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import EpochBasedTrainLoop, Runner

from ssfer_mm.audit.check_batches import PRETRAIN_HINT
from ssfer_mm.command_line.parsers import test_parser, train_parser
from ssfer_mm.config import load_config
from ssfer_mm.engine import GracefulStopHook, HeldOutHook, format_configs_once
from ssfer_mm.engine.unwrap import epoch_lengths
from ssfer_mm.errors import UserError
from ssfer_mm.evaluation import plain_figure
from ssfer_mm.files.atomic import write_json
from ssfer_mm.runtime.freed_memory import keep_freed_memory
from ssfer_mm.runtime.kept_convolutions import keep_few_convolutions
from ssfer_mm.safe_loading import enable_safe_loading

from .config_kind import TESTS, check_kind
from .deciding_settings import NOT_THE_EXPERIMENT
from .determinism import make_deterministic
from .distributed import start_processes
from .fitting_settings import check_settings
from .flip_at_test import average_with_mirror_images
from .mixed_precision import set_amp, tell_of_bfloat16
from .own_work_dir import own_work_dir
from .tested_checkpoint import beside_the_training, load_tested_weights, use_model_of, weights_of

__all__ = ['test', 'test_main', 'train', 'train_main']

# Those that mmengine registers by itself, and the only ones that it lets None turn off.
MMENGINES_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler',
                   'checkpoint')


def train(cfg: Config, redo: bool = False,
          began: Optional[Callable[[], object]] = None) -> Runner:
    """Train.

    Args:
        cfg: A config as from `load_config`; ``work_dir`` defaults to ``./work_dirs/<its name>``.
        redo: Whether a run that has checkpoints there is renamed out of the way.
        began: Called when everything is built, just before training begins.

    Returns:
        The runner, after its last epoch.

    Raises:
        UserError: the configuration or its data cannot be used, or the work dir has another run.
    """
    check_kind(cfg)
    _prepare(cfg)
    with own_work_dir(cfg, redo):
        runner = _runner_of(cfg)
        tell_of_bfloat16(runner)
        _train(runner, began)
    return runner


def _train(runner: Runner, began: Optional[Callable[[], object]]) -> None:
    _count_accumulated_batches(runner)
    # A config that replaces custom_hooks must not lose this one.
    if not any(isinstance(hook, HeldOutHook) for hook in runner.hooks):
        runner.register_hook(HeldOutHook())
    stop = GracefulStopHook()
    runner.register_hook(stop)
    with stop.listening():
        check_epochs(runner)
        if began is not None:
            began()
        runner.train()


def check_epochs(runner: Runner) -> None:
    """Refuse epochs without a batch, of which mmengine says only that their length is 0.

    The loader of the training is built for it, and the training then uses that one.

    Raises:
        UserError: A batch is larger than the data of a training that leaves such batches out.
    """
    loop = runner.train_loop
    if not isinstance(loop, EpochBasedTrainLoop) or 0 not in epoch_lengths(runner):
        return
    size, processes = runner.cfg.train_dataloader.get('batch_size'), get_world_size()
    raise UserError(f'a batch wants {f"{processes} x " if processes > 1 else ""}{size} images, but '
                    f'the data have only {len(loop.dataloader.dataset)}: lower '
                    f'train_dataloader.batch_size ({PRETRAIN_HINT}), or use more images')


def test(cfg: Config, checkpoint: str, tta: bool = False) -> Dict[str, float]:
    """Evaluate a checkpoint on the config's test set.

    Args:
        cfg: The training config.
        checkpoint: One that training wrote, or an exported plain classifier.
        tta: Judge the mean of the probabilities of each image and its mirror image.

    Returns:
        metric name -> value, in percent for accuracies.

    Raises:
        UserError: the checkpoint is missing, damaged, unsafe, or belongs to another model.
    """
    check_kind(cfg, TESTS)
    weights = weights_of(checkpoint)
    use_model_of(cfg, weights, checkpoint)
    cfg.load_from, cfg.resume = str(checkpoint), False
    if tta:
        average_with_mirror_images(cfg)
    _prepare(cfg)
    runner = _build(beside_the_training(cfg))
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    model = model.module if tta else model
    load_tested_weights(model, weights, checkpoint)
    runner._load_from = None  # mmengine, which knows fewer wrappers, has nothing left to load
    return runner.test()


def build_runner(cfg: Config) -> Runner:
    """The runner of a config, with the defaults that all our tools share.

    Raises:
        UserError: as `train`.
    """
    _prepare(cfg)
    return _runner_of(cfg)


def _prepare(cfg: Config) -> None:
    """Complete a config, and join the other processes if there are any."""
    keep_freed_memory()
    keep_few_convolutions()
    enable_safe_loading()
    format_configs_once()  # the runner writes the config in four places
    if cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(cfg.filename or 'unnamed').stem)
    cfg.setdefault('default_scope', 'mmpretrain')
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(name):
            _complete_loader(cfg[name])
    _complete_hooks(cfg)
    check_settings(cfg)
    make_deterministic(cfg)
    start_processes(cfg)


def _runner_of(cfg: Config) -> Runner:
    differences = _differences_to_last_run(cfg)
    runner = _build(cfg)
    if differences:
        runner.logger.warning(
            f'{cfg.work_dir} already holds a run with another config (differs in: '
            f'{", ".join(differences)}). Give this one its own --work-dir to keep them apart.')
    return runner


def _build(cfg: Config) -> Runner:
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def _complete_loader(loader: Dict[str, Any]) -> None:
    """What mmpretrain's own tools add to every loader, and its configs therefore leave out."""
    loader.setdefault('collate_fn', dict(type='default_collate'))
    loader.setdefault('pin_memory', True)
    # Without a GPU there is nothing to pin for, and PyTorch warns of every loader.
    loader['pin_memory'] &= torch.cuda.is_available()
    loader.setdefault('persistent_workers', True)
    # Without workers PyTorch refuses to keep them.
    loader['persistent_workers'] &= loader.get('num_workers', 0) > 0


def _complete_hooks(cfg: Config) -> None:
    """Watch the numbers of other packages' configs too; None turns any default hook off."""
    hooks = cfg.setdefault('default_hooks', {})
    hooks.setdefault('numerics', dict(type='mmpretrain.NumericsHook'))
    for name in [name for name, hook in hooks.items() if hook is None]:
        if name not in MMENGINES_HOOKS:
            del hooks[name]


def _count_accumulated_batches(runner: Runner) -> None:
    """Let mmengine's ``auto_scale_lr`` scale by the images of an optimizer step, not of a batch.

    For one stage; `TwoStageFinetuneHook` scales the learning rates of two.
    """
    accumulated = (runner.cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    scaling = dict(runner.auto_scale_lr or {})
    two_stages = (runner.cfg.get('train_cfg') or {}).get('type') == 'TwoStageTrainLoop'
    if scaling.get('base_batch_size') and not two_stages:
        scaling['base_batch_size'] /= accumulated
        runner.auto_scale_lr = scaling


def _differences_to_last_run(cfg: Config) -> List[str]:
    """Top-level settings in which `cfg` differs from the run in its work dir, if there is one."""
    dumped = Path(cfg.work_dir) / Path(cfg.filename or '').name
    if not cfg.filename or not dumped.is_file() or dumped.resolve() == Path(cfg.filename).resolve():
        return []
    # A start that failed before its first step left its config, and nothing to keep apart from.
    if not any(next(dumped.parent.glob(trace), None) for trace in ('*.pth', '*/vis_data/*.json')):
        return []
    try:
        old = Config.fromfile(str(dumped), import_custom_modules=False).to_dict()
        new = Config.fromstring(cfg.pretty_text, '.py').to_dict()
    except Exception as error:
        print_log(f'{dumped} cannot be compared with this config: {error}', 'current',
                  logging.WARNING)
        return []
    keys = sorted(set(old) | set(new))
    return [key for key in keys if key not in NOT_THE_EXPERIMENT and old.get(key) != new.get(key)]


# -------------------------------------------------------------------------------- command lines


def train_main(argv: Optional[Sequence[str]] = None) -> Runner:
    """``tools/train.py``."""
    args = train_parser().parse_args(argv)
    cfg = _start_config(args)
    if args.resume:
        _set_resume(cfg, args.resume)
    if args.amp:
        set_amp(cfg)
    if args.compile:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or ()), dict(type='mmpretrain.CompileHook')]
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr', {}).get('base_batch_size'):
            raise UserError(f'--auto-scale-lr: {args.config} has no auto_scale_lr.base_batch_size. '
                            'Add --cfg-options auto_scale_lr.base_batch_size=N.')
        cfg.auto_scale_lr.enable = True
    return train(cfg, args.redo)


def test_main(argv: Optional[Sequence[str]] = None) -> Dict[str, float]:
    """``tools/test.py``."""
    args = test_parser().parse_args(argv)
    if args.out and Path(args.out).suffix not in ('.json', '.pkl'):
        raise UserError(f'--out {args.out}: expected a name that ends in .json (metrics) or .pkl '
                        '(predictions).')
    cfg = _start_config(args)
    if args.out and args.out.endswith('.pkl'):
        evaluators = cfg.test_evaluator
        evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.out)]
    metrics = test(cfg, args.checkpoint, args.tta)
    if args.out and args.out.endswith('.json') and is_main_process():
        write_json(args.out, {name: plain_figure(value) for name, value in metrics.items()})
    return metrics


def _start_config(args: argparse.Namespace) -> Config:
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    if args.launcher != 'none':
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return cfg


def _set_resume(cfg: Config, resume: str) -> None:
    cfg.resume = True
    cfg.load_from = None
    if resume != 'auto':
        if not Path(resume).expanduser().is_file():
            raise UserError(f'--resume {resume}: no such file; expected a checkpoint (.pth). '
                            'Leave the name out to continue from the last one in the work dir.')
        cfg.load_from = resume
