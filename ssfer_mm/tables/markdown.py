"""The blocks that RESULTS.md is made of."""
from statistics import mean
from typing import Callable, Dict, Iterable, List, Sequence

from ssfer_mm.command_line.printing import duration

from .figures import NOTHING, Cells, spread
from .record import day_begun
from .spec import Row
from .state import State


def accuracy(cells: Cells) -> str:
    """Accuracy of every row at every fraction, published figures below."""
    rows = _rows(cells, lambda records: spread([r['accuracy'] for r in records]))
    for other in cells.table.published:
        values = other['values']
        rows.append([f'*{other["title"]}*', *(
            f'*{values[f]:.2f}*' if f in values else '' for f in _fractions(cells))])
    return grid(['accuracy, %', *_heads(cells)], rows) + _legend(cells)


def accuracy_tta(cells: Cells) -> str:
    """The same for the mean over image and mirror image, of cells with ``model.flip_test``."""
    rows = _rows(cells, lambda records: spread([r['accuracy_tta'] for r in records
                                                if 'accuracy_tta' in r]))
    return grid(['accuracy with test-time flip, %', *_heads(cells)], rows) + _legend(cells)


def mean_class(cells: Cells) -> str:
    """Mean class accuracy of every row at every fraction."""
    rows = _rows(cells, lambda records: spread([r['mean_class_accuracy'] for r in records]))
    return grid(['mean class accuracy, %', *_heads(cells)], rows) + _legend(cells)


def recall(cells: Cells) -> str:
    """Recall of every class, one table per fraction."""
    blocks = []
    for fraction in _fractions(cells):
        done = {name: cells.of(name, fraction) for name in cells.begun}
        classes = next((r[0]['classes'] for r in done.values() if r), [])
        rows = [[cells.table.rows[name].title, *(
            _mean_recall([r['recall'][c] for r in records if c in r['recall']]) for c in classes)]
            for name, records in done.items() if cells.exists(name, fraction)]
        if classes:
            blocks.append(grid([f'recall at {fraction:g} %', *classes], rows))
    return '\n\n'.join(blocks) or 'No cell is finished yet.'


def _mean_recall(recalls: List[float]) -> str:
    # Not 0 for a class without test image: of it nothing is known.
    return f'{mean(recalls):.1f}' if recalls else NOTHING


def time(cells: Cells) -> str:
    """Training time of every row at every fraction on every machine, and of stage I."""
    machines = sorted({_machine(record) for record in cells.records.values()})
    # A mean over a core and a GPU would be the time of neither.
    by_machine = [_rows(cells, lambda records, one=one: _mean_time(records, one))
                  for one in machines]
    rows = [[title, one, *figures] for same_row in zip(*by_machine)
            for one, (title, *figures) in zip(machines, same_row) if set(figures) - {'', NOTHING}]
    text = grid(['training time of one run', 'on', *_heads(cells)], rows)
    first = [[run.name.split('/', 1)[1], duration(cells.records.get(name, {}).get('seconds')),
              f'`{run.command()}`'] for name, run in cells.runs.items() if run.row is None]
    after = [row.title for row in cells.table.rows.values() if row.after]
    if after:
        text += ('\n\nWithout stage I, and without stage II where it is shared with another row: '
                 f'{"; ".join(after)}.')
    return text + ('\n\n' + grid(['stage I', 'training time', 'command'], first) if first else '')


def _machine(record: dict) -> str:
    """Processor or GPU of a run, without its cores and what else ran there."""
    return ' + '.join(sorted({place.split(',')[0] for place in record['hardware'].split(' / ')}))


def _mean_time(records: List[dict], machine: str) -> str:
    seconds = [record['seconds'] for record in records if _machine(record) == machine]
    return duration(mean(seconds)) if seconds else NOTHING


def settings(cells: Cells) -> str:
    """What each row is: config, stage I, and the settings that it changes."""
    common, rows = cells.table.options, []
    spelled_out: List[Row] = []
    for row in cells.table.rows.values():
        changes = [f'`{key}={value}`' for key, value in row.options.items()
                   if key not in common or common[key] != value]
        # Schedules are long, and nearly all rows of a table share one.
        same = next((other for other in spelled_out if other.by_fraction == row.by_fraction), None)
        if same:
            changes.append(f'at {_listed(row.by_fraction)} % as `{same.name}`')
        elif row.by_fraction:
            spelled_out.append(row)
            changes += [f'at {fraction:g} %: ' + ', '.join(f'`{k}={v}`' for k, v in more.items())
                        for fraction, more in row.by_fraction.items()]
        start = f'stage II of {cells.table.rows[row.after].title}' if row.after else (
            'random weights' if row.stage1 == 'none' else f'stage I, {row.stage1}')
        rows.append([row.title, f'`{row.name}`', start, row.stages, f'`{row.config}`',
                     '<br>'.join(changes) or NOTHING])
    head = ['row', 'name', 'starts from', 'trains', 'config', 'changes']
    every = ', '.join(f'`{key}={value}`' for key, value in common.items())
    return grid(head, rows) + (f'\n\nEvery run has {every}.' if every else '')


def _listed(fractions: Iterable[float]) -> str:
    return ', '.join(f'{fraction:g}' for fraction in fractions)


def runs(cells: Cells) -> str:
    """Every finished cell on a line of its own, and how many are missing."""
    rows = []
    for name, run in cells.runs.items():
        record = cells.records.get(name)
        if run.row and record:
            rows.append([
                cells.table.rows[run.row].title, f'{run.fraction:g}', str(run.seed),
                f'{record["accuracy"]:.2f}', f'{record["mean_class_accuracy"]:.2f}',
                f'{record["labeled"]} / {record["images"]}', record['split'][:8],
                str(sum(stage['iterations'] for stage in record['stages'].values())),
                duration(record['seconds']), ', '.join(record['commits']) or '?',
                record['hardware'] or '?', day_begun(record) or '?'])
    head = ['row', '%', 'seed', 'acc.', 'mean class', 'labels', 'split', 'iterations', 'time',
            'commit', 'hardware', 'begun']
    return (grid(head, rows) if rows else 'No cell is finished yet.') + '\n\n' + status(cells)


def status(cells: Cells) -> str:
    """How many cells are finished, and which are not."""
    names: Dict[State, List[str]] = {state: [] for state in State}
    for name, run in cells.runs.items():
        if run.row:
            names[cells.states[name]].append(name)
    total = sum(map(len, names.values()))
    text = f'{len(names[State.DONE])} of {total} cells are finished.'
    for state, what in ((State.PARTLY, 'Begun'), (State.OUTDATED, 'Finished with other settings, '
                                                                  'so left out')):
        if names[state]:
            text += f' {what}: {", ".join(names[state])}.'
    return text


def _rows(cells: Cells, figure: Callable[[List[dict]], str]) -> List[List[str]]:
    return [[cells.table.rows[name].title, *(figure(cells.of(name, fraction))
                                             if cells.exists(name, fraction) else ''
                                             for fraction in _fractions(cells))]
            for name in cells.begun]


def _heads(cells: Cells) -> List[str]:
    return [f'{fraction:g} %' for fraction in _fractions(cells)]


def _fractions(cells: Cells) -> List[float]:
    """Those to show: all, or on held-out data, where settings are chosen, those looked at."""
    if not cells.table.is_dev:
        return cells.fractions
    return [fraction for fraction in cells.fractions
            if any(cells.of(name, fraction) for name in cells.table.rows)]


def _legend(cells: Cells) -> str:
    """What the numbers are: stated under each table that has some."""
    seeds = ', '.join(map(str, cells.table.seeds))
    text = (f'\n\nMean ± sample standard deviation over seeds (how many of {seeds} are finished); '
            f'{NOTHING}: not trained yet; empty: not part of the table.')
    begun = cells.begun
    left_out = [row.title for name, row in cells.table.rows.items() if name not in begun]
    return text + (f' Of these rows nothing is finished: {"; ".join(left_out)}.'
                   if left_out else '')


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; a bar or a line break inside a cell does not end it.

    Example:
        >>> print(grid(['a|b'], [['c']]))
        | a\\|b |
        | --- |
        | c |
    """
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(map(_cell, line))} |' for line in lines)


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|')
