"""Read what runs left behind; print it as a table and draw it as curves."""
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from ssfer_mm.files.figure import new_figure, save_figure

STAGE_NAMES = dict(supervised='stage II', semi='stage III')


@dataclass(frozen=True)
class RunReport:
    """A training run of stages II and III.

    Attributes:
        stages: ``stages.json`` of the run: name -> epochs, iterations, seconds, metrics.
        scalars: Every line of its scalar logs, in order of time.
    """
    stages: Dict[str, dict]
    scalars: List[dict]

    @property
    def epochs(self) -> int:
        """Epochs trained so far."""
        return sum(stage['epochs'] for stage in self.stages.values())

    @property
    def last_stage(self) -> str:
        """Name of the last stage that was trained: ``'semi'`` unless there was none."""
        return [name for name in STAGE_NAMES if name in self.stages][-1]

    @property
    def is_evaluated(self) -> bool:
        """Whether every stage that was trained has been evaluated after its last epoch so far.

        Reports of before ``evaluated`` was noted count as evaluated where they have metrics.
        """
        return all('metrics' in stage and stage.get('evaluated', stage['epochs']) == stage['epochs']
                   for stage in self.stages.values())


def read_report(work_dir: Path) -> Optional[RunReport]:
    """The report of a work dir, or None where there is none yet."""
    path = Path(work_dir) / 'stages.json'
    if not path.is_file():
        return None
    return RunReport(json.loads(path.read_text(encoding='utf-8')), read_scalars(work_dir))


def read_scalars(work_dir: Path) -> List[dict]:
    """Every line of the scalar logs of a work dir, in order of time."""
    scalars = []
    for log in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in log.read_text(encoding='utf-8').splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # a killed run may leave half a line
                scalars.append(json.loads(line))
    return scalars


def table(runs: Sequence[Tuple[str, RunReport]], stage_one_seconds: float = 0.0) -> str:
    """Accuracy, mean class accuracy and training seconds of every stage of every run."""
    lines = [f'{"":<22}{"accuracy %":>12}{"mean class %":>14}{"steps":>9}{"seconds":>9}']
    if stage_one_seconds:
        lines.append(f'{"Stage I (faces only)":<57}{stage_one_seconds:>9.0f}')
    for name, report in runs:
        for stage, figures in report.stages.items():
            alone = len(report.stages) == 1
            label = name if alone else f'{name}, {STAGE_NAMES[stage]}'
            metrics = figures.get('metrics', {})
            lines.append(f'{label:<22}{metrics.get("accuracy", float("nan")):>12.2f}'
                         f'{metrics.get("mean_class_accuracy", float("nan")):>14.2f}'
                         f'{figures["iterations"]:>9d}{figures["seconds"]:>9.0f}')
    return '\n'.join(lines)


def save_curves(runs: Sequence[Tuple[str, RunReport]], path: Path) -> None:
    """Draw the test accuracies, the training losses and the pseudo-labels of runs to a PNG."""
    figure = new_figure(15, 4.2)
    accuracy, loss, pseudo = figure.subplots(1, 3)
    for index, (name, report) in enumerate(runs):
        color = f'C{index}'
        _plot_accuracy(accuracy, name, report, color)
        steps, losses = series(report.scalars, 'loss')
        loss.plot(steps, losses, color=color, label=name, linewidth=1)
        for key, style in (('pseudo/coverage', 'o-'), ('pseudo/precision', 's--')):
            epochs, values = series(report.scalars, key)
            if epochs:
                pseudo.plot(epochs, values, style, color=color, markersize=3,
                            label=f'{name}: {key[7:]}')
    accuracy.set(title='Test set', xlabel='epoch', ylabel='%')
    loss.set(title='Training loss', xlabel='iteration', yscale='log')
    pseudo.set(title='Pseudo-labels', xlabel='epoch', ylim=(0, 1))
    for axes in (accuracy, loss, pseudo):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    save_figure(figure, Path(path), dpi=120)


def _plot_accuracy(axes, name: str, report: RunReport, color: str) -> None:
    for key, style, label in (('accuracy', 'o-', 'accuracy'),
                              ('mean_class_accuracy', 's:', 'mean class accuracy')):
        epochs, values = series(report.scalars, key)
        axes.plot(epochs, values, style, color=color, markersize=4, label=f'{name}: {label}')
    stages = list(report.stages.values())
    if len(stages) > 1:
        axes.axvline(stages[0]['epochs'], color=color, alpha=0.4, linewidth=1)


def series(scalars: List[dict], key: str) -> Tuple[List[float], List[float]]:
    """Steps and values of one figure; where a resumed run repeats a step, the later one counts."""
    values = {line['step']: line[key] for line in scalars if key in line and 'step' in line}
    steps = sorted(values)
    return steps, [values[step] for step in steps]
