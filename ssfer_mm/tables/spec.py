"""What a table is to contain, read from its YAML file and checked."""
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from ssfer_mm.errors import UserError

from .fields import FieldReader, check_name, is_number, merge_options, read_options, without
from .yaml_file import read_table_file

# What the rows may train: stage II alone, stage III alone (one-stage), or both.
STAGES = {'II': {'train_cfg.semi': None}, 'III': {'train_cfg.supervised': None}, 'II+III': {}}

# The pictures for which a table may choose rows.
PLOTS = ('curves', 'pseudo_labels', 'confusion')


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
        by_fraction: Fraction -> further options, which count over those.
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
    data = read_table_file(path)
    top = FieldReader(data, path)
    rows_data = top.named('rows')
    if not rows_data:
        raise UserError(f'{path} has no rows; write at least one, such as '
                        'rows: {facemix: {stages: II}}')
    common = dict(config=top.take('config', str), fractions=top.numbers('fractions'),
                  options=top.options('options'))
    stage1 = {name: _stage_one(name, FieldReader(entry, f'{path}: stage1.{name}'))
              for name, entry in top.named('stage1').items()}
    name = top.take('name', str, Path(path).stem)
    check_name(name, f'{path} has')
    table = Table(
        name=name, path=str(path), title=top.take('title', str, name),
        seeds=top.seeds('seeds'), fractions=common['fractions'],
        options=common['options'], rows={}, stage1=stage1,
        work_dir=_folder(top.take('work_dir', str, f'work_dirs/tables/{name}'), path),
        dev_options=top.options('dev') if 'dev' in data else None,
        published=tuple(_published(entry, f'{path}: published.{number}') for number, entry
                        in enumerate(top.take('published', list, []))),
        plots=_plots(top.take('plots', dict, {}), path))
    top.finish()
    rows = {key: _row(key, rows_data, common, path) for key in rows_data}
    table = replace(table, rows=rows)
    _check(table)
    return table.on_dev() if dev else table


def _stage_one(name: str, entry: FieldReader) -> StageOne:
    work_dir = entry.take('work_dir', str, '')
    result = StageOne(name, entry.take('config', str), entry.options('options'),
                      Path(work_dir) if work_dir else None)
    entry.finish()
    return result


def _folder(text: str, path: str) -> Path:
    folder = Path(text)
    if not folder.name or folder.name == '..':
        raise UserError(f'{path}: work_dir is {text!r}; expected a folder with a name of its own, '
                        'such as work_dirs/tables/mine')
    return folder


def _published(given: Any, where: str) -> dict:
    """Figures of others: a title, and percent by fraction."""
    entry = FieldReader(given, where)
    title, values = entry.take('title', str), entry.take('values', dict)
    entry.finish()
    if not all(is_number(number) for pair in values.items() for number in pair):
        raise UserError(f'{where}.values is {values!r}; expected the accuracy at each fraction, '
                        'such as {5: 81.77, 10: 83.95}')
    return dict(title=title, values=values)


def _plots(given: Dict[str, Any], path: Path) -> Dict[str, Tuple[str, ...]]:
    for kind, rows in given.items():
        if kind not in PLOTS:
            raise UserError(f'{path}: plots has {kind!r}; expected {", ".join(PLOTS)}, each with a '
                            'list of rows')
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise UserError(f'{path}: plots.{kind} is {rows!r}; expected a list of rows')
    return {kind: tuple(rows) for kind, rows in given.items()}


def _row(name: str, rows: Mapping[str, dict], common: Mapping, path: str,
         seen: Tuple[str, ...] = ()) -> Row:
    """A row with what it takes over from the row that it is ``like``, or comes ``after``."""
    where = f'{path}: rows.{name}'
    entry = FieldReader({} if rows[name] is None else rows[name], where)
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
    fractions, own = entry.numbers('fractions', base.fractions), entry.options('options')
    row = Row(
        name=name, title=entry.take('title', str, name),
        config=entry.take('config', str, base.config),
        stages=entry.take('stages', str, 'II+III' if after else base.stages),
        stage1=entry.take('stage1', str, base.stage1), after=after,
        fractions=fractions, options=merge_options(options, own),
        by_fraction=_by_fraction(entry, base, own, fractions, f'{where}.by_fraction'))
    entry.finish()
    return row


def _by_fraction(entry: FieldReader, base: Row, own: Mapping[str, Any],
                 fractions: Tuple[float, ...], where: str) -> Dict[float, Dict[str, Any]]:
    """Further options of a row at single fractions, over what it takes over.

    Args:
        entry: Of the row.
        base: What it takes over.
        own: Options that the row itself has at all fractions; they replace what it takes over.
        fractions: Of the row.
        where: For messages.
    """
    given = entry.take('by_fraction', dict, {})
    if not all(map(is_number, given)):
        raise UserError(f'{where} has the keys {", ".join(map(repr, given))}; expected numbers, '
                        'percent of the labels')
    unknown = [key for key in given if float(key) not in map(float, fractions)]
    if unknown:
        raise UserError(f'{where} has {unknown[0]:g}, which is no fraction of the row; write one '
                        f'of {", ".join(f"{one:g}" for one in fractions)}, percent of the labels, '
                        'or add it to fractions')
    found = {fraction: without(options, own) for fraction, options in base.by_fraction.items()}
    for key, options in given.items():
        found[float(key)] = merge_options(found.get(float(key), {}),
                                          read_options(options, f'{where}.{key}'))
    return found


def _check(table: Table) -> None:
    if 'none' in table.stage1:
        raise UserError(f'{table.path}: stage1.none has the name that stands for no stage I; take '
                        'another one')
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
                raise UserError(f'{where}: fraction {fraction} is not a percentage above 0, '
                                'up to 100')
    for kind, rows in table.plots.items():
        unknown = [name for name in rows if name not in table.rows]
        if unknown:
            raise UserError(f'{table.path}: plots.{kind} names {unknown[0]!r}, which is not a row; '
                            f'the rows are {", ".join(table.rows)}')
