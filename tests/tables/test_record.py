"""What is kept of a finished run."""
import json
from types import SimpleNamespace

import pytest

from ssfer_mm.datasets import draw_split, save_split
from ssfer_mm.errors import UserError
from ssfer_mm.tables import record
from ssfer_mm.tables.record import headline, is_trained, make_record

EPOCHS = dict(supervised=2, semi=1)
FIGURES = {'accuracy': 61.5, 'mean_class_accuracy': 50., 'recall/joy': 70.123456,
           'accuracy_tta': 62.}
STAGES = dict(supervised=dict(epochs=2, iterations=8, seconds=20.4, metrics=dict(
    accuracy=40., mean_class_accuracy=30.)), semi=dict(
        epochs=1, iterations=9, seconds=30.4, metrics=FIGURES, confusion=[[1]]))


@pytest.fixture()
def began(monkeypatch):
    """Two sessions, of one commit, on two machines."""
    began = [dict(began='2025-01-01T10:00:00', seconds=5., commit='abc', hardware='B', jobs=2),
             dict(began='2025-01-02T10:00:00', seconds=6., commit='', hardware='A')]
    monkeypatch.setattr(record, 'sessions', lambda run: began)
    return began


@pytest.fixture()
def finish(tmp_path):
    """Writes what a training leaves, and gives the run."""
    def finish(lines=(), row='ssfer', after=None, epochs=EPOCHS, stages=STAGES):
        log = tmp_path / 'run' / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(''.join(json.dumps(line) + '\n' for line in lines))
        save_split(draw_split('Toy', ('joy', 'fear'), list('abcd'), [0, 0, 1, 1], fraction=.5),
                   str(tmp_path / 'split.json'))
        (tmp_path / 'stages.json').write_text(json.dumps(stages))
        checkpoint = tmp_path / 'epoch.pth'
        checkpoint.touch()
        return SimpleNamespace(
            name='x', fingerprint='f', config='c.py', options={}, command=lambda: 'python x',
            row=row, fraction=50, seed=0, after=after, work_dir=tmp_path, checkpoint=checkpoint,
            epochs=epochs)

    return finish


@pytest.mark.parametrize('change', [
    dict(epochs=dict(supervised=2, semi=2)),
    dict(stages=dict(STAGES, semi=dict(epochs=1, iterations=9, seconds=30.4)))],
                         ids=['epochs', 'figures'])
def test_a_run_is_trained_when_each_stage_is_evaluated(finish, began, change):
    run = finish(**change)
    assert not is_trained(run)
    with pytest.raises(UserError, match='holds no finished training; the end of .*train.log may'):
        make_record(run, 'toy')


@pytest.mark.parametrize('metrics, found', [
    ({'accuracy/top1': 60., 'accuracy/top5': 90.}, 'accuracy/top1, accuracy/top5'),
    ({}, 'of nothing')])
@pytest.mark.parametrize('stage', ['supervised', 'semi'])
def test_figures_of_another_metric_are_named(finish, began, stage, metrics, found):
    run = finish(stages={**STAGES, stage: dict(STAGES[stage], metrics=metrics)})
    with pytest.raises(UserError, match=f'has the figures {found}; .*set type: ExpressionAcc'):
        make_record(run, 'toy')


@pytest.mark.parametrize('row', ['ssfer', None])
def test_and_its_last_checkpoint_is_there(finish, row):
    run = finish(row=row)
    assert is_trained(run)
    run.checkpoint.unlink()
    assert not is_trained(run)


def test_facts_of_the_sessions(finish, began):
    run = finish()
    made = make_record(run, 'toy')
    assert (made['sessions'], made['begun'], made['commits']) == (2, '2025-01-02', ['abc'])
    assert made['hardware'] == 'A / B, 2 runs at a time'
    began.clear()
    assert make_record(run, 'toy')['begun'] == ''


@pytest.mark.parametrize('after, seconds', [(None, 51), ('facemix', 30)])
def test_a_cell_has_the_figures_of_its_last_stage_and_pays_for_its_own(finish, began, after,
                                                                       seconds):
    made = make_record(finish(after=after), 'toy')
    assert (made['accuracy'], made['confusion'], made['seconds']) == (61.5, [[1]], seconds)
    assert made['recall'] == dict(joy=70.1235) and made['classes'] == ['joy', 'fear']
    assert (made['labeled'], made['images']) == (2, 4)
    assert made['accuracy_tta'] == 62 and 'mean_class_accuracy_tta' not in made
    assert made['stages']['supervised']['accuracy'] == 40


def test_curves_are_of_the_last_value_of_each_epoch(finish, began):
    lines = [dict(epoch=2, step=20, loss=1.), dict(epoch=1, step=5, loss=3.),
             dict(epoch=1, step=10, loss=2.123456), {'step': 1, 'pseudo/coverage': .5},
             {'step': 3, 'pseudo/precision/joy': .25}]
    assert make_record(finish(lines), 'toy')['curves'] == {
        'loss': [[1, 2], [2.1235, 1.]], 'pseudo/coverage': [[1], [.5]],
        'pseudo/precision/joy': [[3], [.25]]}


@pytest.mark.parametrize('lines, seconds', [
    # 10 iterations of 1.5 s each, then 10 of 2.5 s; other lines are no iterations
    ([dict(epoch=1, step=10, loss=2., time=1.5), dict(epoch=2, step=20, loss=1., time=2.5),
      dict(step=30, time=100.)], 40),
    ([], 11)], ids=['logged', 'too short'])
def test_how_long_stage_one_took(finish, began, lines, seconds):
    made = make_record(finish(lines, row=None, epochs=dict(stage1=2)), 'toy')
    assert (made['seconds'], made['epochs']) == (seconds, 2)
    assert made['curves'] == dict(loss=[[1, 2], [2., 1.]] if lines else [[], []])


def test_the_headline_is_of_cells_only():
    assert headline(None) == headline(dict(seconds=5)) == ''
    assert headline(FIGURES) == 'accuracy 61.50 %, mean class accuracy 50.00 %'
