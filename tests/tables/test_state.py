"""How far a run is, by what lies in its work dir and among the kept results."""
import json
import shutil
from types import SimpleNamespace

import pytest

from ssfer_mm.tables import machine
from ssfer_mm.tables.state import (
    FORMAT,
    JOURNAL,
    Results,
    State,
    begin_session,
    end_session,
    read_journal,
    sessions,
)

RECORD = dict(format=FORMAT, fingerprint='new')


@pytest.fixture()
def run(tmp_path):
    folder = tmp_path / 'work' / 'ssfer' / '5pct_seed0'
    folder.mkdir(parents=True)
    return SimpleNamespace(name='ssfer/5pct_seed0', work_dir=folder, fingerprint='new',
                           settings=dict(a=1, b=2, c=3, d=4), command=lambda: 'python x')


@pytest.fixture()
def results(tmp_path):
    return Results(tmp_path / 'cells')


def test_sessions_of_one_run_are_noted_one_after_the_other(run):
    assert sessions(run) == []
    end_session(run, begin_session(run, 2), 5.)
    end_session(run, begin_session(run), 7.)
    assert [(one['seconds'], one['jobs']) for one in sessions(run)] == [(5, 2), (7, 1)]
    assert {one['commit'] for one in sessions(run)} == {machine.commit()}
    assert read_journal(run)['settings'] == run.settings


def test_a_run_is_begun_with_its_journal_or_with_a_checkpoint(run, results):
    run.work_dir.rmdir()
    assert results.state(run) is State.MISSING
    run.work_dir.mkdir()
    assert results.state(run) is State.MISSING
    (run.work_dir / 'epoch_1.pth').touch()
    assert results.state(run) is State.PARTLY
    (run.work_dir / 'epoch_1.pth').unlink()
    begin_session(run)
    assert results.state(run) is State.PARTLY


@pytest.mark.parametrize('place', ['kept', 'work dir'])
def test_a_result_of_other_settings_alone_makes_a_run_outdated(run, results, place):
    old = dict(RECORD, fingerprint='old')
    path = results.kept(run) if place == 'kept' else run.work_dir / 'result.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(old))
    assert results.state(run) is State.OUTDATED
    assert results.difference(run) == 'the kept result is of other settings'


@pytest.mark.parametrize('former, words', [
    (dict(a=1, b=2, c=3, d=4), 'what it starts from has changed'),
    (dict(a=1, b=2, c=3), 'differs in d'), (dict(a=1, b=2, c=3, d=4, e=5), 'differs in e'),
    (dict(a=0, b=0, c=0, d=0), 'differs in a, b, c')])
def test_why_a_run_is_outdated(run, results, former, words):
    now, run.settings = run.settings, former
    begin_session(run)
    run.settings = now
    assert results.difference(run) == words


def test_a_result_file_has_a_line_per_entry_and_per_curve(run, results):
    results.write(run, dict(RECORD, curves=dict(loss=[[1, 2], [3., 4.]], accuracy=[[2], [5.]])))
    text = results.kept(run).read_text()
    assert text == ('{"format": "ssfer_mm cell 1",\n "fingerprint": "new",\n "curves": {\n'
                    '  "loss": [[1, 2], [3.0, 4.0]],\n  "accuracy": [[2], [5.0]]}}\n')
    assert (run.work_dir / 'result.json').read_text() == text


@pytest.mark.parametrize('content', ['[]', '5', '', '\xff'])
def test_a_damaged_journal_is_begun_anew(run, content):
    (run.work_dir / JOURNAL).write_text(content, encoding='latin-1')
    begin_session(run)
    assert len(sessions(run)) == 1


def test_a_journal_that_vanishes_during_a_training_is_written_again(run):
    journal = begin_session(run)
    (run.work_dir / JOURNAL).unlink()
    end_session(run, journal, 5.)
    assert [one['seconds'] for one in sessions(run)] == [5]
    shutil.rmtree(run.work_dir)
    end_session(run, journal, 5.)
    assert not run.work_dir.exists()
