"""Pictures of a table: accuracies, curves, pseudo-labels and confusions, as PNG files."""
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np

from ssfer_mm.files.figure import new_figure, save_figure

from .figures import Cells, mean_curve, summed_confusion


def save_plot(kind: str, cells: Cells, folder: Path) -> Optional[Path]:
    """Draw one picture.

    Args:
        kind: A key of ``DRAWINGS``.
        cells: The finished cells.
        folder: Where the file goes; a picture for which nothing is finished is removed.

    Returns:
        The file; None where nothing of it is finished.
    """
    path, figure = folder / f'{kind}.png', DRAWINGS[kind](cells)
    if figure is None:
        path.unlink(missing_ok=True)
        return None
    save_figure(figure, path)
    return path


def _accuracy(cells: Cells):
    """Mean and spread of both accuracies, a group per row."""
    names = cells.begun
    if not names:
        return None
    figure = new_figure(13, 1.6 + 0.42 * len(names))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, key in zip(panels, ('accuracy', 'mean_class_accuracy')):
        for index, fraction in enumerate(cells.fractions):
            shift = 0.15 * (index - (len(cells.fractions) - 1) / 2)
            for place, name in enumerate(names):
                values = [record[key] for record in cells.of(name, fraction)]
                if not values:
                    continue
                axes.plot(values, [place + shift] * len(values), '.', color=f'C{index}', alpha=.4)
                axes.errorbar(np.mean(values), place + shift, fmt='o', color=f'C{index}',
                              xerr=np.std(values, ddof=1) if len(values) > 1 else None, capsize=3)
            if any(cells.of(name, fraction) for name in names):
                axes.plot([], [], 'o', color=f'C{index}', label=f'{fraction:g} %')
        axes.set(xlabel=f'{key.replace("_", " ")}, %', ylim=(len(names) - .5, -.5))
        axes.grid(alpha=.3)
    panels[0].set_yticks(range(len(names)), [_title(cells, name) for name in names])
    panels[1].legend(title='labels', fontsize=8)
    return figure


def _curves(cells: Cells):
    """Training loss and accuracy over the epochs, a column per fraction."""
    rows = _named(cells, 'curves')
    columns = _fractions_with(cells, rows, 'loss')
    if not columns:
        return None
    kinds = (('loss', 'training loss (of different losses)'),
             ('accuracy', 'accuracy at evaluations, %'),
             ('mean_class_accuracy', 'mean class accuracy, %'))
    figure = new_figure(5 * len(columns) + 1, 9)
    panels = figure.subplots(3, len(columns), squeeze=False)
    for column, fraction in enumerate(columns):
        for axes, (key, title) in zip(panels[:, column], kinds):
            for index, name in enumerate(rows):
                _draw_mean(axes, cells.of(name, fraction), key, f'C{index}',
                           _title(cells, name), '-' if key == 'loss' else 'o-')
            axes.set(ylabel=title, xlabel='epoch')
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=.3)
        panels[0, column].set(title=f'{fraction:g} % of the labels')
    legend_below(figure, panels[0])
    return figure


def _pseudo_labels(cells: Cells):
    """Coverage and precision over stage III, a column per fraction."""
    rows = _named(cells, 'pseudo_labels')
    columns = _fractions_with(cells, rows, 'pseudo/coverage')
    if not columns:
        return None
    figure = new_figure(5 * len(columns) + 1, 4.5)
    panels = figure.subplots(1, len(columns), squeeze=False, sharey=True)
    for axes, fraction in zip(panels[0], columns):
        for index, name in enumerate(rows):
            title = _title(cells, name)
            for key, style in (('coverage', '-'), ('precision', '--')):
                _draw_mean(axes, cells.of(name, fraction), f'pseudo/{key}', f'C{index}',
                           f'{title}: {key}', style)
        axes.set(title=f'{fraction:g} % of the labels', xlabel='epoch', ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=.3)
    legend_below(figure, panels[0])
    return figure


def _pseudo_classes(cells: Cells):
    """The same for each class, of the last named row that has any; a row per fraction."""
    rows = [name for name in _named(cells, 'pseudo_labels')
            if _fractions_with(cells, [name], 'pseudo/coverage')][-1:]
    lines = _fractions_with(cells, rows, 'pseudo/coverage')
    if not lines:
        return None
    classes = cells.of(rows[0], lines[0])[0]['classes']
    figure = new_figure(2.1 * len(classes), 2.2 * len(lines) + .6)
    panels = figure.subplots(len(lines), len(classes), squeeze=False, sharex='row', sharey=True)
    for line, fraction in zip(panels, lines):
        for axes, name in zip(line, classes):
            for key, style in (('coverage', '-'), ('precision', '--'), ('share', ':')):
                _draw_mean(axes, cells.of(rows[0], fraction), f'pseudo/{key}/{name}', 'C0', key,
                           style)
            axes.set(title=name, ylim=(0, 1.02))
            axes.grid(alpha=.3)
        line[0].set_ylabel(f'{fraction:g} % of the labels')
    panels[0, 0].legend(fontsize=7)
    figure.suptitle(f'{_title(cells, rows[0])}: pseudo-labels of each class over the '
                    'epochs of stage III')
    return figure


def _confusion(cells: Cells):
    """Row-normalized confusion matrices, summed over seeds."""
    rows = [name for name in _named(cells, 'confusion') if any(
        summed_confusion(cells.of(name, f)) is not None for f in cells.fractions)]
    columns = [f for f in cells.fractions if any(
        summed_confusion(cells.of(name, f)) is not None for name in rows)]
    if not rows:
        return None
    figure = new_figure(4.6 * len(columns), 4.4 * len(rows))
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for line, name in zip(panels, rows):
        for axes, fraction in zip(line, columns):
            records = cells.of(name, fraction)
            counts = summed_confusion(records)
            if counts is None:
                axes.axis('off')
                continue
            _draw_matrix(axes, counts, records[0]['classes'])
            axes.set_title(f'{_title(cells, name)}\n{fraction:g} %, '
                           f'n = {len(records)}', fontsize=9)
    return figure


def _draw_matrix(axes, counts: np.ndarray, classes: Sequence[str]) -> None:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap='Blues', vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(share):
        if value >= .005:
            axes.text(j, i, f'{100 * value:.0f}', ha='center', va='center', fontsize=7,
                      color='white' if value > .5 else 'black')
    axes.set_xticks(range(len(classes)), classes, rotation=60, fontsize=7)
    axes.set_yticks(range(len(classes)), [
        f'{name} ({total})' for name, total in zip(classes, counts.sum(axis=1))], fontsize=7)
    axes.set(xlabel='predicted', ylabel='true, and how many')


def _draw_mean(axes, records: List[dict], key: str, color: str, label: str, style: str) -> None:
    curve = mean_curve(records, key)
    if curve is None:
        return
    epochs, values, deviation = curve
    axes.plot(epochs, values, style, color=color, label=label, linewidth=1.3, markersize=4)
    if deviation.any():
        axes.fill_between(epochs, values - deviation, values + deviation, color=color, alpha=.15,
                          linewidth=0)


def legend_below(figure, panels: Sequence) -> None:
    """One legend of all that any of the panels shows; not every column has every row.

    A panel is as wide as the longest title.
    """
    found = {label: handle for axes in panels
             for handle, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(found.values(), found.keys(), loc='outside lower center', fontsize=8,
                  ncols=min(len(panels), len(found)))


def _title(cells: Cells, name: str) -> str:
    """A row's title without Markdown's stars, its dollars no mathematics."""
    return cells.table.rows[name].title.strip('*').replace('$', r'\$')


def _named(cells: Cells, kind: str) -> List[str]:
    """The rows that the table wants in a plot; without a word of it, all."""
    return list(cells.table.plots.get(kind, cells.table.rows))


def _fractions_with(cells: Cells, rows: Sequence[str], key: str) -> List[float]:
    return [fraction for fraction in cells.fractions if any(
        mean_curve(cells.of(name, fraction), key) is not None for name in rows)]


DRAWINGS: Dict[str, Callable[..., Optional[object]]] = dict(
    accuracy=_accuracy, curves=_curves, pseudo_labels=_pseudo_labels,
    pseudo_classes=_pseudo_classes, confusion=_confusion)
