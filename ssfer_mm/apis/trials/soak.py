"""Train one stage for long, and see whether any process takes more and more memory."""
import argparse
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Optional

from mmengine.config import Config

from ssfer_mm.apis.output_files import check_output
from ssfer_mm.apis.training.config_kind import check_kind
from ssfer_mm.apis.training.launch import build_runner, check_epochs
from ssfer_mm.apis.training.own_work_dir import own_work_dir
from ssfer_mm.command_line.parsers import soak_parser
from ssfer_mm.command_line.parsers.trials import PRETRAIN, STAGES
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.engine.unwrap import epoch_lengths
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json
from ssfer_mm.files.figure import new_figure, save_figure
from ssfer_mm.profiling.flatness import WARM_UP, Flatness, judge_all
from ssfer_mm.profiling.process_memory import Enough, MemoryLog, Series, own_memory

from .benchmark import keep_off_the_screen

MEASUREMENTS = 250
ADVICE = 'Give this one another --work-dir, or leave it out'


def main(argv: Optional[Sequence[str]] = None) -> int:
    """``tools/soak.py``: 0 if memory is flat, 1 if not, 2 after a mistake, 130 after Ctrl-C."""
    return run_cli(lambda: _run(soak_parser().parse_args(argv)))


def soak(cfg: Config, iterations: int, report: Callable[[str], None] = print,
         redo: bool = False) -> tuple[dict[str, Series], int]:
    """Train one stage and measure all its processes.

    The run is as the config has it: loader, hooks, log, checkpoints, validations. Only the
    number of epochs is another one, and stage I's weights are not loaded.

    Args:
        cfg: A config of one stage, see `choose_stage`; with ``work_dir``.
        iterations: How many to train.
        report: Called with a line of progress, about ten times.
        redo: Whether a run that has checkpoints in the work dir is renamed out of the way.

    Returns:
        Process -> measurements, and the iterations of warm-up: a fifth of all, and two whole
        passes over the data. In the first one caches and the workers' own copies of pages fill
        up; only with the second checkpoint and validation does malloc keep what they need.

    Raises:
        UserError: The system does not tell a process's memory, or two passes over the data take
            more than half of the iterations, or the work dir has another run.
    """
    _prepare(cfg, iterations)
    interval = max(iterations // MEASUREMENTS, 1)
    steps = max(iterations // 10, interval)

    def say(iteration: int, now: dict[str, float]) -> None:
        if iteration % steps < interval:
            report(f'{iteration:>7} of {iterations}: ' + ', '.join(
                f'{name} {mib:.0f} MiB' for name, mib in now.items()))

    log = MemoryLog(interval, iterations, say)
    # Its checkpoints replace what is there, and its hook deletes what the list there names.
    with own_work_dir(cfg, redo, ADVICE):
        return log.series, _train(cfg, iterations, log)


def _train(cfg: Config, iterations: int, log: MemoryLog) -> int:
    """Train until there is enough in the log; returns the iterations of warm-up."""
    runner = build_runner(cfg)
    keep_off_the_screen(runner)
    runner.register_hook(log)
    check_epochs(runner)
    two_passes = 2 * epoch_lengths(runner)[0]
    warm_up = max(round(WARM_UP * iterations), two_passes)
    if warm_up > iterations / 2:
        raise UserError(f'--iterations {iterations}: two passes over the data have {two_passes} '
                        'iterations, in which caches fill up and memory grows for good reason. '
                        f'Give --iterations {2 * two_passes} or more, or larger batches')
    try:
        runner.train()
    except Enough:
        pass
    return warm_up


def choose_stage(cfg: Config, stage: Optional[str]) -> str:
    """Leave one stage of a config, in place.

    Args:
        cfg: Of stage I, or of stages II and III.
        stage: ``pretrain``, ``supervised`` or ``semi``; None takes the only one there is.

    Returns:
        Its name.

    Raises:
        UserError: The config has no such stage, or several and none was named.
    """
    staged = [name for name in STAGES if cfg.train_cfg.get(name)]
    known = staged or [PRETRAIN]
    if stage not in (None, *known) or (stage is None and len(known) > 1):
        found = f'--stage {stage}' if stage else 'no --stage was given'
        raise UserError(f'{found}: {cfg.filename} trains {" and ".join(known)}, '
                        f'one is watched at a time. Give --stage {known[0]}')
    chosen = stage or known[0]
    for name in staged:
        if name != chosen:
            cfg.train_cfg[name] = None
    return chosen


def _prepare(cfg: Config, iterations: int) -> None:
    if iterations < 10:
        raise UserError(f'--iterations {iterations}: expected at least 10')
    own_memory(os.getpid())  # a system that does not tell is found out now
    cfg.resume = False
    cfg.launcher = 'none'  # the config that a run of several processes left names theirs
    cfg.log_level = 'WARNING'  # on the screen; the log file gets everything
    if 'pretrained' in cfg.model:
        cfg.model.pretrained = None  # takes the same memory, and the file may not be here
    # An epoch has at least one iteration; the watching hook ends the run.
    for name in STAGES:
        if cfg.train_cfg.get(name):
            cfg.train_cfg[name].epochs = iterations
    if 'max_epochs' in cfg.train_cfg:
        cfg.train_cfg.max_epochs = iterations


def _run(args: argparse.Namespace) -> int:
    check_output('--json', args.json)
    cfg = load_config(args.config, args.cfg_options)
    check_kind(cfg)
    stage = choose_stage(cfg, args.stage)
    cfg.work_dir = args.work_dir or str(
        Path('work_dirs') / f'soak_{Path(args.config).stem}_{stage}')
    tolerance = args.tolerance / 100
    series, warm_up = soak(cfg, args.iterations, redo=args.work_dir is None)
    judged = judge_all(series, warm_up)
    print(table(judged, tolerance, f'{stage}, {args.iterations} iterations, of which {warm_up} '
                                   'of warm-up do not count'))
    flat = all(one is None or one.is_flat(tolerance) for one in judged.values())
    curve = Path(cfg.work_dir) / 'memory.png'
    save_curve(curve, series, warm_up)
    print(f'{curve}: the curves')
    if args.json:
        _save_json(args, stage, series, warm_up, judged, flat)
    return 0 if flat else 1


def table(judged: dict[str, Optional[Flatness]], tolerance: float, title: str) -> str:
    """The figures as text, with the verdict below."""
    lines = [title, f'{"MiB":<15}{"start":>9}{"end":>9}{"max":>9}{"per 1,000":>11}{"growth":>9}']
    for name, one in judged.items():
        if one is None:
            lines.append(f'{name:<15}  too short-lived to judge')
        else:
            lines.append(f'{name:<15}{one.start:>9.1f}{one.end:>9.1f}{one.highest:>9.1f}'
                         f'{one.slope:>+11.2f}{100 * one.growth:>+8.2f}%')
    grown = [name for name, one in judged.items() if one and not one.is_flat(tolerance)]
    lines.append(f'NOT flat: {", ".join(grown)} grew by more than {100 * tolerance:g} %' if grown
                 else f'Flat: nothing grew by more than {100 * tolerance:g} %')
    return '\n'.join(lines)


def save_curve(path: Path, series: dict[str, Series], warm_up: int) -> None:
    """Draw every process's memory over the iterations, the warm-up in grey."""
    figure = new_figure(7, 3.5)
    axes = figure.subplots()
    for name, one in series.items():
        axes.plot(one.iterations, one.mib, label=name)
    axes.axvspan(0, warm_up, color='0.9', label='warm-up')
    axes.set(xlabel='iteration', ylabel='MiB', ylim=(0, None), xlim=(0, None))
    axes.legend(loc='center right', fontsize='small')
    save_figure(figure, path)


def _save_json(args: argparse.Namespace, stage: str, series: dict[str, Series], warm_up: int,
               judged: dict[str, Optional[Flatness]], flat: bool) -> None:
    processes = {
        name: dict(verdict=asdict(judged[name]) if judged.get(name) else None,
                   **(asdict(series[name]) if name in series else {}))
        for name in {**series, **judged}}
    figures = dict(config=args.config, stage=stage, options=args.cfg_options or {},
                   iterations=args.iterations, warm_up=warm_up, flat=flat,
                   tolerance_percent=args.tolerance, python=platform.python_version(),
                   processes=processes)
    write_json(args.json, figures)
