"""What a table is to contain, read from its YAML file and checked."""
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

import yaml

from ssfer_mm.apis.config import find_config
from ssfer_mm.errors import UserError

from .fields import FieldReader, merge_options

# What the rows may train: stage II alone, stage III alone (one-stage), or both.
STAGES = {'II': {'train_cfg.semi': None}, 'III': {'train_cfg.supervised': None}, 'II+III': {}}


@dataclass(frozen=True)
class StageOne:
    """One pre-training, shared by every cell that names it.

    Attributes:
        name: Its key in the file.
        config: Config file of stage I.
        options: Dotted key -> value.
        work_dir: Where it is, or is to be, trained; None: inside the table's work dir.
    """
    name: str
    config: str
    options: Dict[str, Any]
    work_dir: Optional[Path]


@dataclass(frozen=True)
class Row:
    """One method, trained on every fraction with every seed.

    Attributes:
        name: Its key in the file.
        title: What the tables call it.
        config: Config file of stages II and III.
        stages: A key of `STAGES`.
        stage1: Name of a stage I, or ``'none'``.
        after: Name of the row whose stage II this one continues from, or ''.
        fractions: Percent of the labels.
        options: Dotted key -> value.
        by_fraction: Fraction -> further options.
    """
    name: str
    title: str
    config: str
    stages: str
    stage1: str
    after: str
    fractions: Tuple[float, ...]
    options: Dict[str, Any]
    by_fraction: Dict[float, Dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """A table file.

    Attributes:
        name: Names its work dir and its results.
        title: Heading.
        path: The file.
        seeds: Each draws its own labeled images and its own weights.
        fractions: Percent of the labels, for rows that do not say others.
        options: Of every cell, dotted key -> value; the rows contain them.
        rows: In the order of the table.
        stage1: The pre-trainings.
        work_dir: Of all cells.
        dev_options: What makes it a table on held-out training data; None: not possible.
        is_dev: Whether they are applied.
        published: Figures of others: dicts of ``title`` and ``values``, fraction -> percent.
        plots: Kind of plot -> names of rows.
    """
    name: str
    title: str
    path: str
    seeds: Tuple[int, ...]
    fractions: Tuple[float, ...]
    options: Dict[str, Any]
    rows: Dict[str, Row]
    stage1: Dict[str, StageOne]
    work_dir: Path
    dev_options: Optional[Dict[str, Any]]
    is_dev: bool = False
    published: Tuple[dict, ...] = ()
    plots: Dict[str, Tuple[str, ...]] = field(default_factory=dict)

    def on_dev(self) -> 'Table':
        """The same cells, trained without the held-out part of the training data, tested on it.

        Raises:
            UserError: The file does not say how.
        """
        if self.dev_options is None:
            raise UserError(f'{self.path} has no entry dev, so --dev is not possible; add dev with '
                            'the options that hold out a part of the training data')
        rows = {name: replace(row, options=merge_options(row.options, self.dev_options))
                for name, row in self.rows.items()}
        return replace(self, rows=rows, options=merge_options(self.options, self.dev_options),
                       is_dev=True, published=(), name=f'{self.name}-dev',
                       work_dir=self.work_dir.with_name(f'{self.work_dir.name}-dev'))


def load_table(path: str, dev: bool = False) -> Table:
    """Read a table file.

    Args:
        path: A YAML file; docs/results.md describes its entries.
        dev: Give the table on held-out training data instead.

    Raises:
        UserError: No such file, no YAML, an unknown entry, or rows that refer to nothing.
    """
    data = _read(path)
    top = FieldReader(data, path)
    rows_data = top.take('rows', dict)
    common = dict(config=top.take('config', str), fractions=top.numbers('fractions'),
                  options=top.options('options'))
    stage1 = {name: _stage_one(name, FieldReader(entry, f'{path}: stage1.{name}'))
              for name, entry in top.take('stage1', dict, {}).items()}
    name = top.take('name', str, Path(path).stem)
    table = Table(
        name=name, path=str(path), title=top.take('title', str, name),
        seeds=tuple(int(seed) for seed in top.numbers('seeds')), fractions=common['fractions'],
        options=common['options'], rows={}, stage1=stage1,
        work_dir=Path(top.take('work_dir', str, f'work_dirs/tables/{name}')),
        dev_options=top.options('dev') if 'dev' in data else None,
        published=tuple(top.take('published', list, [])),
        plots=_plots(top.take('plots', dict, {}), path))
    top.finish()
    rows = {key: _row(key, rows_data, common, path) for key in rows_data}
    table = replace(table, rows=rows)
    _check(table)
    return table.on_dev() if dev else table


def _read(path: str) -> dict:
    """The file's content; ``_base_`` names another one that it changes."""
    try:
        data = yaml.safe_load(find_config(path).read_text(encoding='utf-8'))
    except (OSError, UserError) as error:
        raise UserError(f'table {path} cannot be read; name a file such as '
                        'configs/tables/ferplus.yaml') from error
    except yaml.YAMLError as error:
        raise UserError(f'table {path} is no YAML: {" ".join(str(error).split())}') from error
    if not isinstance(data, dict):
        raise UserError(f'table {path} holds a {type(data).__name__}; expected entries such as '
                        'config, fractions, seeds and rows')
    if '_base_' in data:
        base = _read(str(Path(path).parent / data.pop('_base_')))
        # What names the results must not be taken over: two tables would share their cells.
        base.pop('name', None), base.pop('work_dir', None)
        data = _merge(base, data)
    return data


def _merge(base: Mapping, changes: Mapping) -> dict:
    """Entries of ``changes`` over those of ``base``.

    A row or stage I that is null is left out; ``_delete_: true`` among them leaves out all of
    ``base``.
    """
    merged = dict(base)
    for key, value in changes.items():
        if key in ('rows', 'stage1') and isinstance(value, dict):
            kept = {} if value.get('_delete_') else base.get(key, {})
            entries = {**kept, **{k: v for k, v in value.items() if k != '_delete_'}}
            merged[key] = {name: entry for name, entry in entries.items() if entry is not None}
        elif key in ('options', 'dev') and isinstance(value, dict):
            merged[key] = merge_options(base.get(key) or {}, value)
        else:
            merged[key] = value
    return merged


def _stage_one(name: str, entry: FieldReader) -> StageOne:
    work_dir = entry.take('work_dir', str, '')
    result = StageOne(name, entry.take('config', str), entry.options('options'),
                      Path(work_dir) if work_dir else None)
    entry.finish()
    return result


def _plots(given: Dict[str, Any], path: Path) -> Dict[str, Tuple[str, ...]]:
    for kind, rows in given.items():
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise UserError(f'{path}: plots.{kind} is {rows!r}; expected a list of rows')
    return {kind: tuple(rows) for kind, rows in given.items()}


def _row(name: str, rows: Mapping[str, dict], common: Mapping, path: str,
         seen: Tuple[str, ...] = ()) -> Row:
    """A row with what it takes over from the row that it is ``like``, or comes ``after``."""
    where = f'{path}: rows.{name}'
    entry = FieldReader(rows[name] or {}, where)
    after, like = entry.take('after', str, ''), entry.take('like', str, '')
    parent = after or like
    if after and like:
        raise UserError(f'{where} has both after and like; after implies like, remove like')
    if parent and (parent not in rows or parent in (*seen, name)):
        raise UserError(f'{where} refers to {parent!r}, which is no other row that comes first; '
                        f'the rows are {", ".join(rows)}')
    base = _row(parent, rows, common, path, (*seen, name)) if parent else Row(
        name, name, common['config'], 'II+III', 'none', '', common['fractions'], {}, {})
    options = base.options if parent else common['options']
    by_fraction = entry.take('by_fraction', dict, {})
    if not all(isinstance(fraction, (int, float)) for fraction in by_fraction):
        raise UserError(f'{where}.by_fraction has the keys {", ".join(map(repr, by_fraction))}; '
                        'expected numbers, percent of the labels')
    by_fraction = {float(f): FieldReader({'x': more}, f'{where}.by_fraction.{f}').options('x')
                   for f, more in by_fraction.items()}
    row = Row(
        name=name, title=entry.take('title', str, name),
        config=entry.take('config', str, base.config),
        stages=entry.take('stages', str, 'II+III' if after else base.stages),
        stage1=entry.take('stage1', str, base.stage1), after=after,
        fractions=entry.numbers('fractions', base.fractions),
        options=merge_options(options, entry.options('options')),
        by_fraction={**base.by_fraction, **by_fraction})
    entry.finish()
    return row


def _check(table: Table) -> None:
    for row in table.rows.values():
        where = f'{table.path}: rows.{row.name}'
        if row.stages not in STAGES:
            raise UserError(f'{where}.stages is {row.stages!r}; expected one of '
                            f'{", ".join(STAGES)}')
        if row.stage1 != 'none' and row.stage1 not in table.stage1:
            raise UserError(f'{where}.stage1 is {row.stage1!r}; expected none or one of '
                            f'{", ".join(table.stage1)}')
        if row.after:
            before = table.rows[row.after]
            if before.stages != 'II' or row.stages != 'II+III':
                raise UserError(f'{where} comes after {row.after}: that row must have stages: II, '
                                'and this one continues with stage III')
            if before.stage1 != row.stage1 or not set(row.fractions) <= set(before.fractions):
                raise UserError(f'{where} comes after {row.after}, so it has the same stage1, and '
                                'no fraction that the other lacks')
        for fraction in row.fractions:
            if not 0 < fraction <= 100:
                raise UserError(f'{where}: fraction {fraction} is no percentage above 0, up to 100')
    for kind, rows in table.plots.items():
        unknown = [name for name in rows if name not in table.rows]
        if unknown:
            raise UserError(f'{table.path}: plots.{kind} names {unknown[0]!r}, which is no row; '
                            f'the rows are {", ".join(table.rows)}')
