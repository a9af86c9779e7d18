"""The table and the curves of finished runs."""
import json

import cv2
import pytest

from ssfer_mm.apis.training.report import RunReport, read_report, save_curves, series, table


def report(*names, **metrics):
    stages = {name: dict(epochs=3, iterations=12, seconds=4.4, metrics=metrics) for name in names}
    return RunReport(stages, [])


def test_table_has_a_row_per_stage():
    ours = report('supervised', 'semi', accuracy=61.237, mean_class_accuracy=50.0)
    baseline = report('supervised', accuracy=40.0, mean_class_accuracy=30.5)
    lines = table([('Baseline', baseline), ('SSFER', ours)], stage_one_seconds=99.6).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ['Stage', 'I', '(faces', 'only)', '100'],
        ['Baseline', '40.00', '30.50', '12', '4'],
        ['SSFER,', 'stage', 'II', '61.24', '50.00', '12', '4'],
        ['SSFER,', 'stage', 'III', '61.24', '50.00', '12', '4'],
    ]
    assert len({len(line) for line in lines}) == 1, 'columns are aligned'


def test_table_of_a_stage_that_was_not_evaluated():
    lines = table([('SSFER', report('supervised', 'semi'))]).splitlines()
    assert 'nan' in lines[1] and not report('supervised', 'semi').stages['semi']['metrics']


def test_where_a_resumed_run_repeats_a_step_the_later_value_counts():
    scalars = [dict(step=1, loss=3.0), dict(step=2, loss=2.0), dict(step=3, loss=9.0),
               dict(step=2, accuracy=50.0), dict(step=2, loss=1.5), dict(step=3, loss=1.0),
               dict(loss=7.0)]
    assert series(scalars, 'loss') == ([1, 2, 3], [3.0, 1.5, 1.0])
    assert series(scalars, 'accuracy') == ([2], [50.0])
    assert series(scalars, 'absent') == ([], [])


def write_run(folder, stages, logs):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'stages.json').write_text(json.dumps(stages))
    for name, lines in logs.items():
        path = folder / name / 'vis_data' / 'scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text(''.join(json.dumps(line) + '\n' for line in lines))


def test_read_report_joins_the_logs_in_order_of_time(tmp_path):
    assert read_report(tmp_path) is None
    stages = dict(supervised=dict(epochs=2, iterations=4, seconds=1.0, metrics=dict(accuracy=1.)),
                  semi=dict(epochs=3, iterations=9, seconds=1.0))
    write_run(tmp_path, stages, {'20250102_000000': [dict(step=2, loss=1.0)],
                                 '20250101_000000': [dict(step=1, loss=3.), dict(step=2, loss=2.)]})
    result = read_report(tmp_path)
    assert result.epochs == 5 and not result.is_evaluated
    assert series(result.scalars, 'loss') == ([1, 2], [3.0, 1.0])


@pytest.mark.parametrize('evaluated, expected', [(2, False), (3, True)])
def test_figures_of_an_earlier_epoch_are_not_the_result(tmp_path, evaluated, expected):
    """A run that was killed in its last validation still has those of the one before."""
    write_run(tmp_path, dict(semi=dict(epochs=3, iterations=9, seconds=1.0, evaluated=evaluated,
                                       metrics=dict(accuracy=1.))), {})
    assert read_report(tmp_path).is_evaluated is expected


def test_a_log_whose_last_line_was_cut_off_is_still_read(tmp_path):
    """A killed process may leave half a line."""
    write_run(tmp_path, dict(), {'20250101_000000': [dict(step=1, loss=3.0)]})
    with open(tmp_path / '20250101_000000/vis_data/scalars.json', 'a') as file:
        file.write('{"step": 2, "lo')
    assert series(read_report(tmp_path).scalars, 'loss') == ([1], [3.0])


@pytest.mark.parametrize('scalars', [
    [], [dict(step=1, loss=2.0), dict(step=1, accuracy=50.0, mean_class_accuracy=40.0),
         {'step': 2, 'pseudo/coverage': 0.5, 'pseudo/precision': 0.9}]])
def test_curves_are_a_picture(scalars, tmp_path):
    stages = report('supervised', 'semi', accuracy=1.0).stages
    save_curves([('SSFER', RunReport(stages, scalars))], tmp_path / 'new' / 'curves.png')
    picture = cv2.imread(str(tmp_path / 'new' / 'curves.png'))
    assert picture.shape[0] > 300 and picture.shape[1] > 3 * 300
    assert (picture < 200).any()


def test_no_epoch_and_a_half_on_the_axes(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr('ssfer_mm.apis.training.report.save_figure',
                        lambda figure, *_, **__: figures.append(figure))
    scalars = [{'step': step, 'loss': 2., 'accuracy': 50., 'mean_class_accuracy': 40.,
                'pseudo/coverage': .5} for step in (8, 9, 10)]
    save_curves([('SSFER', RunReport(report('supervised', accuracy=1.0).stages, scalars))],
                tmp_path / 'curves.png')
    for axes in figures[0].axes:
        assert all(tick == int(tick) for tick in axes.get_xticks()), axes.get_title()


def test_the_pseudo_labels_of_a_single_epoch_are_seen(tmp_path):
    """A line through one point is invisible: `train_cfg.semi.epochs=1`, and the panel was empty."""
    panels = {}
    for name, figure in (('none', 'other'), ('one', 'pseudo/coverage')):
        run = RunReport(report('supervised', 'semi', accuracy=1.0).stages, [
            dict(step=1, loss=2.0), {'step': 2, figure: 0.5}])
        save_curves([('SSFER', run)], tmp_path / f'{name}.png')
        panel = cv2.imread(str(tmp_path / f'{name}.png'))
        height, width = panel.shape[:2]
        # Below the legend, which stands in a corner.
        panels[name] = panel[int(0.3 * height):int(0.7 * height), int(0.72 * width):]
    blue, red = panels['one'][..., 0].astype(int), panels['one'][..., 2].astype(int)
    assert (blue - red > 60).any(), 'no mark at the only epoch'
    assert (panels['none'].max(-1) == panels['none'].min(-1)).all(), 'the rest of it is grey'
