"""Blocks of tables of which little is trained; test_report has those of whole ones."""
from types import SimpleNamespace

import pytest

from ssfer_mm.tables import markdown
from ssfer_mm.tables.figures import Cells
from ssfer_mm.tables.plan import cell_name
from ssfer_mm.tables.spec import Row
from ssfer_mm.tables.state import State


def row(name, fractions=(5, 10), **facts):
    return Row(**dict(dict(name=name, title=f'title of {name}', config='c.py', stages='II',
                           stage1='none', after='', fractions=fractions, options={},
                           by_fraction={}), **facts))


def record(**facts):
    return dict(dict(
        accuracy=60., mean_class_accuracy=50., recall=dict(joy=70.), classes=['joy', 'fear'],
        seconds=90, hardware='A, 2 cores', labeled=4, images=8, split='0123456789', commits=[],
        begun='', stages=dict(supervised=dict(iterations=10), semi=dict(iterations=5))), **facts)


def cells(*rows, done=(), states=(), stage1=None, is_dev=False, options=None):
    """Of one seed.

    Args:
        rows: Of the table.
        done: Name of a run -> its record.
        states: Name of a run -> its state, where that is not missing.
        stage1: Record of the stage I ``faces``, {} if it is not finished; None: there is none.
        is_dev: Whether it is a table on held-out data.
        options: Of every run.
    """
    runs = {} if stage1 is None else {'stage1/faces': SimpleNamespace(
        name='stage1/faces', row=None, command=lambda: 'python x')}
    for one in rows:
        for fraction in one.fractions:
            runs[cell_name(one.name, fraction, 0)] = SimpleNamespace(
                row=one.name, fraction=fraction, seed=0)
    table = SimpleNamespace(rows={one.name: one for one in rows}, seeds=(0, ), published=(),
                            is_dev=is_dev, options=options or {})
    records = {**dict(done), **({'stage1/faces': stage1} if stage1 else {})}
    return Cells(table, runs, records, {name: dict(states).get(name, State.MISSING)
                                        for name in runs})


ONE = {'a/5pct_seed0': record()}


def last_line(block):
    return [cell.strip() for cell in block.splitlines()[-1].strip('|').split('|')]


def test_nothing_is_finished():
    empty = cells(row('a'))
    for block in (markdown.recall, markdown.runs):
        assert block(empty).startswith('No cell is finished yet.')
    assert markdown.status(empty) == '0 of 2 cells are finished.'


def test_every_table_of_figures_says_what_they_are():
    for block in (markdown.accuracy, markdown.accuracy_tta, markdown.mean_class):
        assert 'Mean ± sample standard deviation over seeds' in block(cells(row('a'), done=ONE))


def test_what_is_begun_or_outdated_is_named():
    status = markdown.status(cells(row('a', (5, 10, 20)), states={
        'a/5pct_seed0': State.PARTLY, 'a/10pct_seed0': State.OUTDATED,
        'stage1/faces': State.PARTLY}, stage1={}))
    assert status == ('0 of 3 cells are finished. Begun: a/5pct_seed0. Finished with other '
                      'settings, so left out: a/10pct_seed0.')


def test_a_class_that_has_no_image_has_no_recall():
    block = markdown.recall(cells(row('a'), done=ONE))
    assert last_line(block) == ['title of a', '70.0', '–'] and '10 %' not in block


def test_recall_at_a_fraction_is_of_the_rows_that_have_it():
    done = {**ONE, 'b/10pct_seed0': record()}
    at_5, at_10 = markdown.recall(cells(row('a', (5, )), row('b', (10, )), done=done)).split('\n\n')
    assert 'title of b' not in at_5 and 'title of a' not in at_10


def test_held_out_data_show_the_fractions_that_were_looked_at():
    for is_dev in (False, True):
        block = markdown.accuracy(cells(row('a'), done=ONE, is_dev=is_dev))
        assert ('10 %' in block) == (not is_dev)


def test_machines_of_stage_one_alone_have_no_time_of_cells():
    block = markdown.time(cells(row('a'), done=ONE, stage1=record(seconds=7200, hardware='B')))
    assert block == ('| training time of one run | on | 5 % | 10 % |\n| --- | --- | --- | --- |\n'
                     '| title of a | A | 1 min 30 s | – |\n\n'
                     '| stage I | training time | command |\n| --- | --- | --- |\n'
                     '| faces | 2 h 0 min | `python x` |')


def test_stage_one_without_a_result_and_rows_that_share_stage_two():
    rows = row('a'), row('b', after='a'), row('c', after='a')
    block = markdown.time(cells(*rows, done=ONE, stage1={}))
    assert 'where it is shared with another row: title of b; title of c.' in block
    assert last_line(block) == ['faces', '?', '`python x`']
    assert markdown.time(cells(*rows, done=ONE)).endswith('title of c.')


def test_a_run_on_two_machines_is_of_both():
    block = markdown.time(cells(row('a'), done={
        'a/5pct_seed0': record(hardware='B, 2 cores / A, 2 runs at a time')}))
    assert '| title of a | A + B | 1 min 30 s' in block


@pytest.mark.parametrize('facts, shown', [
    ({}, ['random weights', 'II', '`c.py`', '–']),
    (dict(stage1='faces'), ['stage I, faces', 'II', '`c.py`', '–']),
    (dict(options=dict(k=1, m=3), by_fraction={10: dict(n=4, o=5)}),
     ['random weights', 'II', '`c.py`', '`m=3`<br>at 10 %: `n=4`, `o=5`']),
    (dict(options=dict(k=2)), ['random weights', 'II', '`c.py`', '`k=2`'])])
def test_what_a_row_changes(facts, shown):
    block, every = markdown.settings(cells(row('a', **facts), options=dict(k=1))).split('\n\n')
    assert last_line(block) == ['title of a', '`a`', *shown] and every == 'Every run has `k=1`.'
    assert 'Every run' not in markdown.settings(cells(row('a')))


def test_settings_of_a_fraction_are_spelled_out_once():
    schedule, other = {5: dict(n=4), 10: dict(n=2)}, {5: dict(n=4), 10: dict(n=3)}
    block = markdown.settings(cells(row('a', by_fraction=schedule), row('b', by_fraction=other),
                                    row('c', by_fraction=dict(schedule)), row('d')))
    changes = [line.split(' | ')[-1] for line in block.splitlines()[2:]]
    assert changes == ['at 5 %: `n=4`<br>at 10 %: `n=2` |', 'at 5 %: `n=4`<br>at 10 %: `n=3` |',
                       'at 5, 10 % as `a` |', '– |']


def test_a_run_of_which_little_is_known():
    block = markdown.runs(cells(row('a'), done={'a/5pct_seed0': record(hardware='')},
                                stage1=record())).split('\n\n')[0]
    assert len(block.splitlines()) == 3
    assert last_line(block) == ['title of a', '5', '0', '60.00', '50.00', '4 / 8', '01234567', '15',
                                '1 min 30 s', '?', '?', '?']


@pytest.mark.parametrize('key', ['begun', 'finished'])
def test_day_of_a_run_under_its_name_in_new_and_in_old_result_files(key):
    facts = record(hardware='')
    del facts['begun']
    done = {'a/5pct_seed0': dict(facts, **{key: '2025-01-02'})}
    block = markdown.runs(cells(row('a'), done=done))
    assert '| begun |' in block and '| 2025-01-02 |' in block
