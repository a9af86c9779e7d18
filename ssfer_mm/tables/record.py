"""From the work dir of a finished run to the few figures that are kept of it."""
from typing import Dict, List, Optional

from ssfer_mm.apis.training.report import RunReport, read_report, read_scalars, series
from ssfer_mm.datasets.splits import load_split, split_hash
from ssfer_mm.errors import UserError

from .plan import Run
from .state import FORMAT, sessions

DIGITS = 4
# Figures of the mean over image and mirror image, where a run has them.
WITH_FLIP = ('accuracy_tta', 'mean_class_accuracy_tta')
# Of each stage, shown of every cell.
NEEDED = ('accuracy', 'mean_class_accuracy')
# Of a stage: what is drawn over its epochs.
PER_EPOCH = ('loss', 'train_accuracy', 'accuracy', 'mean_class_accuracy')


def is_trained(run: Run) -> bool:
    """Whether the work dir holds the whole training, every stage of it evaluated."""
    if run.row is None:
        return run.checkpoint.is_file()
    report = read_report(run.work_dir)
    return (report is not None and report.is_evaluated
            and {name: stage['epochs'] for name, stage in report.stages.items()} == run.epochs
            and run.checkpoint.is_file())


def make_record(run: Run, table: str) -> dict:
    """The result file of a finished run: JSON-able, a few kilobytes.

    Keys, of every run: ``format``, ``table``, ``run``, ``fingerprint``, ``config``, ``options``,
    ``command``, ``seconds`` (of training, in this run), ``sessions``, ``begun`` (the day on which
    the last of these began), ``commits``, ``hardware``.
    Of a cell also ``row``, ``fraction``, ``seed``, ``accuracy``, ``mean_class_accuracy`` (of the
    last stage, percent), ``recall``, ``confusion``, ``stages``, ``labeled``, ``images``,
    ``split`` (hash), ``curves``; with ``model.flip_test`` also
    ``accuracy_tta`` and ``mean_class_accuracy_tta``.

    Raises:
        UserError: The run is not finished, or was evaluated by something else.
    """
    if not is_trained(run):
        raise UserError(f'{run.work_dir} holds no finished training; the end of '
                        f'{run.work_dir / "train.log"} may say why')
    began = sessions(run)
    record = dict(
        format=FORMAT, table=table, run=run.name, fingerprint=run.fingerprint, config=run.config,
        options=run.options, command=run.command(), sessions=len(began),
        begun=began[-1]['began'][:10] if began else '',
        commits=sorted({str(one['commit']) for one in began if one['commit']}),
        hardware=' / '.join(sorted({_place(one) for one in began})))
    if run.row is None:
        lines = read_scalars(run.work_dir)
        # A run too short to log anything is timed from outside.
        seconds = _logged_seconds(lines) or sum(float(one['seconds']) for one in began)
        return dict(record, seconds=round(seconds), epochs=run.epochs['stage1'],
                    curves=dict(loss=_last_of_epoch(lines, 'loss')))
    return dict(record, **_cell(run, read_report(run.work_dir)))


def day_begun(record: dict) -> str:
    """The day on which the last session of a run began, ``''`` if unknown.

    Example:
        >>> day_begun(dict(begun='2026-11-28')), day_begun(dict(finished='2026-11-26'))
        ('2026-11-28', '2026-11-26')
    """
    # Older result files have the same day under a name that says something else.
    return record['begun'] if 'begun' in record else record['finished']


def _place(session: dict) -> str:
    """Machine of a session, and whether it had it for itself."""
    jobs = session.get('jobs', 1)
    return f'{session["hardware"]}{f", {jobs} runs at a time" if jobs > 1 else ""}'


def _cell(run: Run, report: RunReport) -> dict:
    last = list(report.stages.values())[-1]
    metrics = last['metrics']
    for found in (stage['metrics'] for stage in report.stages.values()):
        if not set(NEEDED) <= found.keys():
            raise UserError(f'{run.work_dir} has the figures {", ".join(found) or "of nothing"}; a '
                            f'table shows {" and ".join(NEEDED)}: set type: ExpressionAccuracy in '
                            "the config's val_evaluator")
    split = load_split(str(run.work_dir / 'split.json'))
    # What it took over from another run was paid for there.
    own = [stage for name, stage in report.stages.items()
           if not (run.after and name == 'supervised')]
    return dict(
        row=run.row, fraction=run.fraction, seed=run.seed, after=run.after,
        accuracy=metrics['accuracy'], mean_class_accuracy=metrics['mean_class_accuracy'],
        **{key: metrics[key] for key in WITH_FLIP if key in metrics},
        recall={key[7:]: round(value, DIGITS) for key, value in metrics.items()
                if key.startswith('recall/')},
        confusion=last.get('confusion'), classes=list(split.classes),
        seconds=round(sum(stage['seconds'] for stage in own)),
        stages={name: dict(epochs=stage['epochs'], iterations=stage['iterations'],
                           seconds=round(stage['seconds']),
                           accuracy=stage['metrics']['accuracy'],
                           mean_class_accuracy=stage['metrics']['mean_class_accuracy'])
                for name, stage in report.stages.items()},
        labeled=len(split.labeled), images=sum(total for _, total in split.counts.values()),
        split=split_hash(split), curves=_curves(report))


def _curves(report: RunReport) -> Dict[str, List[list]]:
    """Name -> [epochs, values] of everything that is drawn."""
    curves = {name: _last_of_epoch(report.scalars, name) for name in PER_EPOCH}
    pseudo = sorted({key for line in report.scalars for key in line if key.startswith('pseudo/')})
    curves.update({key: _last_of_epoch(report.scalars, key) for key in pseudo})
    return {name: curve for name, curve in curves.items() if curve[0]}


def _last_of_epoch(scalars: List[dict], name: str) -> List[list]:
    """The last value of every epoch: lines of the training know theirs, others count in it."""
    values: Dict[int, float] = {}
    for line in scalars:
        if name in line:
            values[int(line.get('epoch', line.get('step', 0)))] = round(float(line[name]), DIGITS)
    epochs = sorted(values)
    return [epochs, [values[epoch] for epoch in epochs]]


def _logged_seconds(scalars: List[dict]) -> float:
    """Training time of a run that keeps no clock: iterations times their logged mean time."""
    steps, times = series([line for line in scalars if 'loss' in line], 'time')
    return sum(time * (step - before) for before, step, time in zip([0, *steps], steps, times))


def headline(record: Optional[dict]) -> str:
    """The result in a few words."""
    if not record or 'accuracy' not in record:
        return ''
    return (f'accuracy {record["accuracy"]:.2f} %, mean class accuracy '
            f'{record["mean_class_accuracy"]:.2f} %')
