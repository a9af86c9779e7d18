"""From a table to the trainings that fill it: what each one is, and what it waits for."""
import hashlib
import json
import shlex
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from mmengine.config import Config

from ssfer_mm.apis.training.deciding_settings import flat_settings
from ssfer_mm.command_line.option_values import option_text
from ssfer_mm.config import apply_options, load_config
from ssfer_mm.errors import UserError

from .fields import merge_options
from .spec import STAGES, Row, Table

FRACTION = 'train_dataloader.dataset.split.fraction'
SEEDS = ('train_dataloader.dataset.split.seed', 'randomness.seed')
# What stage II does not read.
STAGE_III_ONLY = ('train_cfg.semi', 'model.', 'data_preprocessor.semi_facemix',
                  'data_preprocessor.views.weak_', 'data_preprocessor.views.rand_augment',
                  'strong', 'unlabeled_pipeline', 'train_dataloader.dataset.unlabeled_pipeline',
                  'train_dataloader.dataset.extra_unlabeled', 'val_', 'test_')
STAGE_II_TOO = ('model.classifier', 'model.ema', 'model.logit_adjustment')
# Of mmpretrain: they lack what a table shows.
OTHER_METRICS = {'Accuracy', 'SingleLabelMetric', 'MultiLabelMetric', 'ConfusionMatrix'}


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name: ``'ssfer/5pct_seed0'`` or ``'stage1/ferplus'``.
        config: Its config file.
        options: Dotted key -> value, everything that is changed in that file.
        work_dir: Where it is trained.
        settings: Dotted key -> value of the config that results, without what does not matter.
        fingerprint: Of the settings, and of the runs that it needs.
        needs: Names of the runs that must be finished before.
        after: The run whose last checkpoint it continues from, or None.
        epochs: Stage -> epochs, in order; stage I has the one stage ``'stage1'``.
        row, fraction, seed: Which cell of the table it fills; None for stage I.
    """
    name: str
    config: str
    options: Dict[str, Any]
    work_dir: Path
    settings: Dict[str, Any]
    fingerprint: str
    needs: Tuple[str, ...]
    after: Optional[str]
    epochs: Dict[str, int]
    row: Optional[str] = None
    fraction: Optional[float] = None
    seed: Optional[int] = None

    @property
    def checkpoint(self) -> Path:
        """What its last epoch writes."""
        return self.work_dir / f'epoch_{sum(self.epochs.values())}.pth'

    @property
    def label(self) -> str:
        """Its name for people."""
        if self.row is None:
            return f'stage I, {self.name.split("/", 1)[1]}'
        return f'{self.row}, {self.fraction:g} %, seed {self.seed}'

    def arguments(self) -> List[str]:
        """What to give ``tools/train.py``."""
        changes = [f'{key}={option_text(value)}' for key, value in self.options.items()]
        return [self.config, '--work-dir', str(self.work_dir), '--resume',
                *(['--cfg-options', *changes] if changes else [])]

    def command(self) -> str:
        """The training as one would type it."""
        return shlex.join(['python', 'tools/train.py', *self.arguments()])


def plan(table: Table) -> Dict[str, Run]:
    """All runs of a table by name, each after those that it needs.

    Raises:
        UserError: A config cannot be read, or an option fits no setting of it.
    """
    planner = _Planner(table)
    for row in _in_order(table.rows):
        for fraction in row.fractions:
            for seed in table.seeds:
                planner.add_cell(row, fraction, seed)
    return planner.runs


def cell_name(row: str, fraction: float, seed: int) -> str:
    """Name of the run that fills a cell."""
    return f'{row}/{fraction:g}pct_seed{seed}'


def with_needs(runs: Dict[str, Run], chosen: Iterable[str]) -> List[str]:
    """The chosen runs and, before each, whatever it needs."""
    result: List[str] = []
    for name in chosen:
        for one in [*with_needs(runs, runs[name].needs), name]:
            if one not in result:
                result.append(one)
    return result


def choose(table: Table, runs: Dict[str, Run], rows: Optional[Sequence[str]] = None,
           fractions: Optional[Sequence[float]] = None,
           seeds: Optional[Sequence[int]] = None) -> List[str]:
    """Names of the cells that filters leave; None lets everything pass.

    Raises:
        UserError: A filter names what the table does not have, or nothing is left.
    """
    known = dict(row=list(table.rows), fraction=sorted({r.fraction for r in runs.values()
                                                        if r.row}), seed=list(table.seeds))
    wanted = dict(row=rows, fraction=fractions, seed=seeds)
    for kind, values in wanted.items():
        unknown = [value for value in values or () if value not in known[kind]]
        if unknown:
            raise UserError(f'{table.path} has no {kind} {unknown[0]}; it has '
                            f'{", ".join(map(str, known[kind]))}')
    left = [run.name for run in runs.values() if run.row and all(
        values is None or getattr(run, kind) in values for kind, values in wanted.items())]
    if not left:
        raise UserError(f'{table.path} has no cell with that row, fraction and seed together')
    return left


def _in_order(rows: Dict[str, Row]) -> List[Row]:
    """Rows that others come after first, otherwise as they are."""
    return sorted(rows.values(), key=lambda row: bool(row.after))


class _Planner:
    """Turns rows into runs, reading each config file once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.runs: Dict[str, Run] = {}
        self._files: Dict[str, Config] = {}

    def add_cell(self, row: Row, fraction: float, seed: int) -> None:
        """The run of one cell, and of the stage I that it needs."""
        needs, after = [], None
        options = merge_options(row.options, row.by_fraction.get(float(fraction), {}))
        _check_not_ours(options, row.name)
        options = merge_options(options, STAGES[row.stages])
        options = merge_options(options, {FRACTION: round(fraction / 100, 6),
                                          **dict.fromkeys(SEEDS, seed)})
        if row.stage1 == 'none':
            options = merge_options(options, {'model.pretrained': None})
        else:
            first = self._stage_one(row.stage1)
            needs.append(first.name)
            options = merge_options(options, {'model.pretrained': str(first.checkpoint)})
        if row.after:
            after = cell_name(row.after, fraction, seed)
            needs.append(after)
        name = cell_name(row.name, fraction, seed)
        where = f'{self.table.path}: rows.{row.name}'
        cfg = self._config(row.config, options, where)
        _check_evaluator(cfg.get('val_evaluator'), f'{where} ({row.config})')
        if after:
            _check_same_stage_two(cfg, self.runs[after], name)
        epochs = {stage: cfg.train_cfg[stage].get('epochs') for stage in ('supervised', 'semi')
                  if cfg.train_cfg.get(stage)}
        _check_epochs(epochs, f'{where} ({row.config})')
        self._add(cfg, name=name, config=row.config, options=options, needs=tuple(needs),
                  work_dir=self.table.work_dir / name, after=after, epochs=epochs, row=row.name,
                  fraction=fraction, seed=seed)

    def _stage_one(self, name: str) -> Run:
        key, spec = f'stage1/{name}', self.table.stage1[name]
        if key not in self.runs:
            where = f'{self.table.path}: stage1.{name}'
            cfg = self._config(spec.config, spec.options, where)
            epochs = dict(stage1=cfg.train_cfg.get('max_epochs'))
            _check_epochs(epochs, f'{where} ({spec.config})')
            # Pre-training sees no label, so the table on held-out data shares it.
            home = self.table.work_dir.with_name(self.table.work_dir.name.removesuffix('-dev'))
            self._add(cfg, name=key, config=spec.config, options=spec.options,
                      work_dir=spec.work_dir or home / key, needs=(), after=None,
                      epochs=epochs)
        return self.runs[key]

    def _config(self, path: str, options: Dict[str, Any], where: str) -> Config:
        try:
            if path not in self._files:
                self._files[path] = load_config(path)
            cfg = deepcopy(self._files[path])
            apply_options(cfg, options, path)
        except UserError as error:
            raise UserError(f'{where}: {error}') from error
        return cfg

    def _add(self, cfg: Config, **facts: Any) -> None:
        settings = flat_settings(cfg)
        # Where weights lie does not matter; which they are, the needed runs' fingerprints say.
        settings.pop('model.pretrained', None)
        inputs = [self.runs[need].fingerprint for need in facts['needs']]
        content = json.dumps([settings, inputs], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        self.runs[facts['name']] = Run(settings=settings, fingerprint=digest, **facts)


def _check_epochs(epochs: Dict[str, Any], where: str) -> None:
    """Every run has an end, whose checkpoint says that it is finished."""
    if not epochs or not all(type(count) is int and count > 0 for count in epochs.values()):
        named = ', '.join(f'{stage} {count!r}' for stage, count in epochs.items()) or 'none'
        raise UserError(f'{where} has no whole number of epochs for each stage that it trains, but '
                        f'{named}; name a config of that stage, or set its epochs, such as '
                        'train_cfg.supervised.epochs: 60 (stage I: train_cfg.max_epochs)')


def _check_evaluator(evaluator: Any, where: str) -> None:
    """A table without its figures would be noticed after the training."""
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator] * bool(evaluator)
    types = [str(metric.get('type')).removeprefix('mmpretrain.') for metric in metrics]
    if OTHER_METRICS.issuperset(types):
        raise UserError(f'{where} is evaluated by {", ".join(types) or "nothing"}; a table needs '
                        'ExpressionAccuracy: set type: ExpressionAccuracy in its val_evaluator')


def _check_not_ours(options: Dict[str, Any], row: str) -> None:
    """A row must not set what the table sets for each cell, and would lose it without a word."""
    ours = {'model.pretrained': 'stage1', FRACTION: 'fractions', **dict.fromkeys(SEEDS, 'seeds')}
    for key in options.keys() & ours.keys():
        raise UserError(f'rows.{row}.options sets {key}, which the table itself sets by '
                        f'{ours[key]}: say it there')


def _check_same_stage_two(cfg: Config, before: Run, name: str) -> None:
    """A run that continues another one's stage II must not pretend to a different one."""
    ours = flat_settings(cfg)
    for key in sorted(ours.keys() | before.settings.keys()):
        shared = not key.startswith(STAGE_III_ONLY) or key.startswith(STAGE_II_TOO)
        if shared and key != 'model.pretrained' and ours.get(key) != before.settings.get(key):
            raise UserError(f'{name} continues from stage II of {before.name}, but changes {key}, '
                            'which stage II reads; give it a stage II of its own (like instead of '
                            'after)')
