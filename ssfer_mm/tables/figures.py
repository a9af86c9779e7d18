"""The finished cells of a table, and statistics over their seeds."""
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Dict, List, Optional, Tuple

import numpy as np

from .plan import Run, cell_name, plan
from .spec import Table, load_table
from .state import Results, State

NOTHING = '–'


@dataclass(frozen=True)
class Cells:
    """What is known of a table.

    Attributes:
        table: The table.
        runs: All its runs by name.
        records: Result files of the finished ones by name.
        states: How far each run is.
    """
    table: Table
    runs: Dict[str, Run]
    records: Dict[str, dict]
    states: Dict[str, State]

    @property
    def fractions(self) -> List[float]:
        """All that occur, smallest first."""
        return sorted({run.fraction for run in self.runs.values() if run.row})

    @property
    def begun(self) -> List[str]:
        """Names of the rows of which some cell is finished."""
        return [name for name in self.table.rows
                if any(self.of(name, fraction) for fraction in self.fractions)]

    def of(self, row: str, fraction: float) -> List[dict]:
        """Results of a row at a fraction, one per finished seed."""
        names = [cell_name(row, fraction, seed) for seed in self.table.seeds]
        return [self.records[name] for name in names if name in self.records]

    def exists(self, row: str, fraction: float) -> bool:
        """Whether the table has such cells at all."""
        return fraction in self.table.rows[row].fractions


def cells_folder(results: Path, table: str) -> Path:
    """Where the kept result files of a table are."""
    return Path(results) / 'cells' / table


def read_cells(path: str, dev: bool, results: Path) -> Cells:
    """The cells of a table file, as far as they are finished."""
    table = load_table(path, dev)
    return collect(table, plan(table), Results(cells_folder(results, table.name)))


def collect(table: Table, runs: Dict[str, Run], results: Results) -> Cells:
    """Read the results of all runs."""
    records = {name: results.read(run) for name, run in runs.items()}
    return Cells(table, runs, {name: record for name, record in records.items() if record},
                 {name: results.state(run) for name, run in runs.items()})


def spread(values: List[float]) -> str:
    """Mean, sample standard deviation and number of seeds; a dash where there is none.

    Example:
        >>> spread([60., 62.]), spread([60.]), spread([])
        ('61.00 ± 1.41 (2)', '60.00 (1)', '–')
    """
    if not values:
        return NOTHING
    text = f'{mean(values):.2f}'
    if len(values) > 1:
        text += f' ± {stdev(values):.2f}'
    return f'{text} ({len(values)})'


def mean_curve(records: List[dict], name: str) -> Optional[Tuple[np.ndarray, np.ndarray,
                                                                 np.ndarray]]:
    """Epochs, means and standard deviations of a curve over seeds; None if no run has it.

    Epochs that only some runs have are averaged over these.
    """
    values: Dict[int, List[float]] = {}
    for record in records:
        for epoch, value in zip(*record.get('curves', {}).get(name, ([], []))):
            values.setdefault(epoch, []).append(value)
    if not values:
        return None
    epochs = sorted(values)
    return (np.array(epochs), np.array([mean(values[e]) for e in epochs]),
            np.array([stdev(values[e]) if len(values[e]) > 1 else 0. for e in epochs]))


def summed_confusion(records: List[dict]) -> Optional[np.ndarray]:
    """Confusion counts (K, K) summed over seeds; None if no run noted them."""
    matrices = [np.array(record['confusion']) for record in records if record.get('confusion')]
    return np.sum(matrices, axis=0) if matrices else None
