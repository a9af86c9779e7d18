"""From a folder of faces and a few labels to a compared recognizer: every stage in one command."""
import argparse
import contextlib
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Optional, Sequence

from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmpretrain.registry import DATASETS, MODELS

from ssfer_mm.apis.dataset.check_data_parts import data_of_configs
from ssfer_mm.apis.output_files import check_output
from ssfer_mm.class_lists import check_class_count, classes_of
from ssfer_mm.command_line.parsers import run_ssfer_parser
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.model_files.model_names import shipped_models
from ssfer_mm.models.pretrained import fill_backbone

from .child_training import train
from .deciding_settings import flat_settings, note_settings, refuse_other_settings, start_from
from .report import RunReport, read_report, save_curves, table

START = 'model.pretrained'  # the weights that stage II, or III without it, starts from


def command(argv: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(argv), after_interrupt=go_on_hint())


def main(argv: Optional[Sequence[str]] = None) -> None:
    """``tools/run_ssfer.py``: stage I, stages II and III, the baseline; then a table and curves.

    Each run has its own folder in the work dir. What is finished is not run again, and what was
    interrupted is resumed, so that the same command continues after a Ctrl-C.
    """
    args = run_ssfer_parser().parse_args(argv)
    work_dir = Path(args.work_dir or Path('work_dirs') / f'{Path(args.config).stem}_all-stages')
    check_output('--work-dir', str(work_dir / 'table.txt'))
    options, seconds, checkpoint = args.cfg_options, 0.0, None
    # All configs are read before the first hour is spent on one.
    if args.pretrain:
        check_start(args.pretrain, options)
        last = epochs_of_stage_one(args.pretrain, args.pretrain_options)
        checkpoint = work_dir / 'stage1' / f'epoch_{last}.pth'
        options = {**options, START: str(checkpoint)}
    of = {args.config: options}
    if args.baseline:
        of[args.baseline] = options_it_has(args.baseline, options)
    epochs = {config: epochs_of_stages(config, own) for config, own in of.items()}
    settings = _settings(args, of, checkpoint)
    for name, own in settings.items():
        refuse_other_settings(work_dir / name, own)
    if checkpoint and not checkpoint.is_file():
        check_batches(args.pretrain, args.pretrain_options)
        for config, own in of.items():
            check_classes(config, own)
            check_backbones(args.pretrain, args.pretrain_options, config, own)
            check_batches(config, own)
    for name, own in settings.items():
        note_settings(work_dir / name, own)
    if checkpoint:
        seconds = _stage_one(args.pretrain, checkpoint, args.pretrain_options)
    rows = [('SSFER', _stages(args.config, work_dir / 'ssfer', options, epochs[args.config]))]
    if args.baseline:
        baseline = _stages(args.baseline, work_dir / 'baseline', of[args.baseline],
                           epochs[args.baseline])
        rows.insert(0, ('Baseline', baseline))
    save_curves(rows, work_dir / 'curves.png')
    text = table(rows, stage_one_seconds=seconds)
    (work_dir / 'table.txt').write_text(text + '\n', encoding='utf-8')
    trained = work_dir / 'ssfer' / f'classifier_{rows[-1][1].last_stage}.pth'
    print(f'\n{text}\n\nCurves: {work_dir / "curves.png"}   Recognizer: {trained}')
    print(how_to_use(trained))


def check_start(stage_one: str, options: dict) -> None:
    """Refuse to train a stage I that the later stages would not start from.

    Raises:
        UserError: The options take other weights.
    """
    if START in options:
        raise UserError(f'--pretrain {stage_one} trains what stage II starts from, but '
                        f'--cfg-options {START}={options[START]} takes other weights: leave one of '
                        'them out')


def options_it_has(baseline: str, options: dict) -> dict:
    """The options without those of what the baseline sets to None, as one without stage III does
    with ``train_cfg.semi``.

    Raises:
        UserError: The config cannot be read.
    """
    cfg, kept = load_config(baseline), {}
    for key, value in options.items():
        parents = key.split('.')[:-1]
        node, depth = cfg, 0
        while depth < len(parents) and hasattr(node, 'get'):
            node, depth = node.get(parents[depth], {}), depth + 1
        if node is None:
            print_log(f'{baseline} has {".".join(parents[:depth])}=None: {key} is left out there')
        else:
            kept[key] = value
    return kept


def _settings(args: argparse.Namespace, of: dict, checkpoint: Optional[Path]) -> dict:
    """Name of a part -> what it is trained with; ``of`` gives the options of each config."""
    parts = dict(stage1=(args.pretrain, args.pretrain_options),
                 ssfer=(args.config, of[args.config]),
                 baseline=(args.baseline, of.get(args.baseline)))
    found = {name: flat_settings(load_config(*part)) for name, part in parts.items() if part[0]}
    for settings in found.values():
        if checkpoint and settings.get(START) == str(checkpoint):
            start_from(settings, found['stage1'])
    return found


def how_to_use(trained: Path) -> str:
    """The last lines: how to look at photos, with this recognizer and with the package's."""
    shipped = next((model.name for model in shipped_models() if model.default), None)
    command = f'{_predict()} PHOTO'
    own = f'Your photos: {command} --model {shlex.quote(str(trained))}'
    if not shipped:
        return own
    return (f'{own}   (trained here)\n'
            f'         or: {command}   (model {shipped}, which comes with the package)')


def _predict() -> str:
    """``ssfer predict``, called so that it works where its environment is not activated."""
    if shutil.which('ssfer'):
        return 'ssfer predict'
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    installed = python.with_name('ssfer')
    words = [installed] if installed.is_file() else [python, '-m', 'ssfer_cli']
    return shlex.join([*map(str, words), 'predict'])


def epochs_of_stage_one(config: str, options: dict) -> int:
    """How many epochs a config pre-trains.

    Raises:
        UserError: It cannot be read, or is not one of stage I.
    """
    train_cfg = load_config(config, options).get('train_cfg') or {}
    if _stages_of(train_cfg) or not train_cfg.get('max_epochs'):
        raise UserError(f'--pretrain {config} is not a config of stage I (train_cfg.max_epochs); '
                        'name one of configs/mae, and one of configs/ssfer as the first argument')
    return train_cfg['max_epochs']


def epochs_of_stages(config: str, options: dict) -> int:
    """How many epochs a config trains in stages II and III together.

    Raises:
        UserError: It cannot be read, or has neither stage.
    """
    stages = _stages_of(load_config(config, options).get('train_cfg') or {})
    if not stages:
        raise UserError(f'{config} has neither stage II nor stage III (train_cfg.supervised, '
                        'train_cfg.semi); name a config of configs/ssfer or configs/baselines, and '
                        'give one of stage I with --pretrain')
    return sum(stage['epochs'] for stage in stages)


def check_backbones(stage_one: str, stage_one_options: dict, config: str, options: dict) -> None:
    """Refuse a stage I that does not go into the backbone of a config, before it begins.

    Raises:
        UserError: The two backbones differ.
    """
    source = load_config(stage_one, stage_one_options).model
    target = load_config(config, options).model
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        weights = MODELS.build(source.backbone).state_dict()
        backbone = MODELS.build(target.classifier.backbone)
    fill_backbone(backbone, weights, f'What {stage_one} trains')


def check_classes(config: str, options: dict) -> None:
    """Refuse a config with other numbers of classes than its labeled faces, before stage I begins.

    Raises:
        UserError: It has not, or the faces are not where it says.
    """
    cfg = load_config(config, options)
    labeled = cfg.train_dataloader.dataset.get('dataset')
    if labeled is None:
        return
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(dict(labeled, lazy_init=True))
    if not classes_of(dataset):
        # Class folders tell their classes when they are looked at. Drawn faces would be drawn now.
        dataset.full_init()
    check_class_count(dataset, cfg.get('data_preprocessor', {}).get('num_classes'))


def check_batches(config: str, options: dict) -> None:
    """Refuse batches that are larger than a config's data, before stage I begins.

    Raises:
        UserError: A batch is larger.
    """
    cfg = load_config(config, options)
    dataset = cfg.train_dataloader.dataset
    if (dataset.get('dataset') or dataset).get('type') == 'SynthFER':
        return  # would be drawn now
    for finding in data_of_configs([cfg]).findings:
        if finding.kind == 'batch':
            raise UserError(f'{config}: {finding.text}. {finding.advice}')


def _stages_of(train_cfg: dict) -> list:
    return [train_cfg[name] for name in ('supervised', 'semi') if train_cfg.get(name)]


def _stage_one(config: str, checkpoint: Path, options: dict) -> float:
    """Pre-train unless that is done; returns the seconds of all calls, 0 if unknown."""
    clock, before = checkpoint.with_name('seconds.txt'), 0.0
    with contextlib.suppress(OSError, ValueError):
        before = float(clock.read_text(encoding='utf-8'))
    if checkpoint.is_file():
        return before
    began = time.monotonic()
    try:
        train(config, checkpoint.parent, options, title='Stage I')
    finally:
        seconds = before + time.monotonic() - began
        with atomic_write(clock) as file:
            file.write(f'{seconds:.1f}\n')
    return seconds


def _stages(config: str, work_dir: Path, options: dict, wanted: int) -> RunReport:
    """Train stages II and III (or what the config has of them) unless that is done."""
    report = read_report(work_dir)
    if report is None or report.epochs < wanted or not report.is_evaluated:
        train(config, work_dir, options, title=Path(config).stem)
        report = read_report(work_dir)
    if report is None:
        raise UserError(f'{work_dir} holds no stages.json after training: keep StageReportHook in '
                        'custom_hooks of the config')
    return report
