"""One picture of several tables: accuracy over the share of the labels, a line per row."""
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Callable, Dict, List, Sequence

from ssfer_mm.errors import UserError
from ssfer_mm.files.figure import new_figure, save_figure

from .fields import FieldReader
from .figures import Cells, read_cells
from .yaml_file import read_table_file

FILE, PICTURE = 'comparison.yaml', 'comparison.png'
# Okabe and Ito's colors, which color-blind readers tell apart.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9')
PUBLISHED = 'black'


@dataclass(frozen=True)
class Line:
    """One method.

    Attributes:
        title: Stands at the end of the line.
        values: Percent of the labels -> accuracies in percent, one per finished seed.
        is_published: Whether others measured them.
    """
    title: str
    values: Dict[float, List[float]]
    is_published: bool


def draw_comparison(results: Path, read: Callable[..., Cells] = read_cells) -> Path:
    """Draw what ``comparison.yaml`` lists into a picture beside it.

    Args:
        results: Folder of the file, the cells and the pictures.
        read: Gives the cells of a table; a page has read most of them already.

    Returns:
        The picture.

    Raises:
        UserError: The file is missing, or a line names a table or a row that does not exist.
    """
    path = results / FILE
    top = FieldReader(read_table_file(str(path)), str(path))
    lines = [_read_line(entry, f'{path}: lines.{number}', results, read)
             for number, entry in enumerate(top.take('lines', list))]
    top.finish()
    _draw([line for line in lines if line.values], results / PICTURE)
    return results / PICTURE


def _read_line(data: Any, where: str, results: Path, read: Callable[..., Cells]) -> Line:
    """A row of a table or, where the entry names none, what the table has as published."""
    entry = FieldReader(data, where)
    title, table = entry.take('title', str), entry.take('table', str)
    row = entry.take('row', str, '')
    entry.finish()
    cells = read(table, False, results)
    if not row:
        return Line(title, {float(fraction): [value] for other in cells.table.published
                            for fraction, value in other['values'].items()}, True)
    if row not in cells.table.rows:
        raise UserError(f'{where}: {table} has no row {row}; its rows are '
                        f'{", ".join(cells.table.rows)}')
    found = {fraction: [record['accuracy'] for record in cells.of(row, fraction)]
             for fraction in cells.fractions}
    return Line(title, {fraction: values for fraction, values in found.items() if values}, False)


def _draw(lines: Sequence[Line], path: Path) -> None:
    figure = new_figure(9, 5)
    axes = figure.subplots()
    colors = iter(COLORS * len(lines))
    for line in lines:
        color = PUBLISHED if line.is_published else next(colors)
        fractions, seeds = zip(*sorted(line.values.items()))
        means = [mean(values) for values in seeds]
        spread = [stdev(values) if len(values) > 1 else nan for values in seeds]
        axes.errorbar(fractions, means, spread, fmt='s--' if line.is_published else 'o-',
                      color=color, capsize=3, markersize=5)
        axes.annotate(line.title, (fractions[-1], means[-1]), (10, 0), color=color, va='center',
                      textcoords='offset points', annotation_clip=False)
    ticks = sorted({fraction for line in lines for fraction in line.values})
    axes.set_xscale('log')
    axes.set_xticks(ticks, [f'{tick:g} %' for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlabel='share of the training images that are labeled', ylabel='accuracy, %')
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(axis='y', alpha=.3)
    save_figure(figure, path)
