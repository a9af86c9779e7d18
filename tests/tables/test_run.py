"""The command: what it trains, what it leaves alone, and what it says."""
import json
import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from ssfer_mm.command_line.printing import duration
from ssfer_mm.errors import UserError
from ssfer_mm.files.checkpoint_list import write_list
from ssfer_mm.runtime.signals import kill_as_interrupt
from ssfer_mm.tables import child, execute
from ssfer_mm.tables.state import Results, State, begin_again, begin_session, is_begun_again

from .conftest import TABLE

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
ONE = ('--fractions', 5, '--seeds', 0)
CELLS = ['facemix/5pct_seed0', 'fixmatch/5pct_seed0', 'scratch/5pct_seed0', 'ssfer/5pct_seed0',
         'stage1/faces']


def results(toy):
    return Results(toy.results / 'cells' / 'toy')


def test_trains_each_run_once_and_then_nothing(toy, capsys, monkeypatch):
    servers = []
    monkeypatch.setattr(execute, 'open_fork_server', servers.append)
    outcome = toy.run(*ONE)
    assert sorted(outcome.done) == CELLS == toy.calls()
    assert outcome.done.index('stage1/faces') < outcome.done.index('facemix/5pct_seed0')
    assert outcome.done.index('facemix/5pct_seed0') < outcome.done.index('ssfer/5pct_seed0')
    assert 'accuracy 60.00 %' in capsys.readouterr().out
    assert toy.run(*ONE).done == [] and toy.calls() == CELLS
    assert 'Nothing to train' in capsys.readouterr().out
    assert servers == [2], 'for many runs, two at a time'


def test_no_trainings_at_a_time_is_a_mistake(toy):
    with pytest.raises(UserError, match='--jobs 0: give 1 or more'):
        toy.run('--jobs', 0)


def test_each_training_has_a_gpu_of_its_own(toy, monkeypatch):
    monkeypatch.setattr(execute, 'gpus', lambda: ['3', 'GPU-8f'])
    toy.run('--only', 'scratch', '--fractions', 5)
    cells = (toy.work / 'scratch').iterdir()
    assert sorted((cell / 'gpu').read_text() for cell in cells) == ['3', 'GPU-8f']


def test_now_and_then_the_state_of_what_is_running_is_told(toy, monkeypatch, capsys):
    monkeypatch.setattr(execute, 'NEWS_SECONDS', 0)
    toy.run('--only', 'scratch', *ONE)
    assert ' for all that is left' not in capsys.readouterr().out, 'nothing is known yet'
    toy.run('--only', 'scratch', '--fractions', 5)  # the other seed
    shown = capsys.readouterr().out
    assert '\n  scratch, 5 %, seed 1: starting\n  about 30 s for all that is left' in shown


def test_stage_three_continues_from_the_checkpoint_of_the_other_row(toy):
    toy.run(*ONE, '--only', 'ssfer')
    handed_on = toy.work / 'ssfer/5pct_seed0/epoch_4.pth'
    assert handed_on.read_text() == 'weights of facemix/5pct_seed0'
    assert (toy.work / 'ssfer/5pct_seed0/epoch_6.pth').read_text() == 'weights of ssfer/5pct_seed0'


def test_a_cell_without_its_result_file_is_not_done_but_not_trained_again(toy):
    """As where this program was killed after the training ended."""
    toy.run(*ONE, '--only', 'scratch')
    run = toy.plan()['scratch/5pct_seed0']
    for path in (results(toy).kept(run), run.work_dir / 'result.json'):
        path.unlink()
    assert results(toy).state(run) is State.PARTLY
    assert toy.run(*ONE, '--only', 'scratch').done == ['scratch/5pct_seed0']
    assert toy.calls() == ['scratch/5pct_seed0'] and results(toy).state(run) is State.DONE


@pytest.mark.parametrize('left', [
    '', '{"supervised": {"epochs": 3, "metrics": {}}}', '{"supervised": {"epochs": 4}}'])
def test_an_unfinished_training_is_continued(toy, left):
    run = toy.plan()['scratch/5pct_seed0']
    run.work_dir.mkdir(parents=True)
    begin_session(run)
    (run.work_dir / 'epoch_3.pth').touch()
    if left:
        (run.work_dir / 'stages.json').write_text(left)
    assert results(toy).state(run) is State.PARTLY
    toy.run(*ONE, '--only', 'scratch')
    call, = (run.work_dir / 'calls.txt').read_text().splitlines()
    assert '--resume' in call
    record = results(toy).read(run)
    assert record['sessions'] == 2 and record['accuracy'] == 60


def test_results_without_work_dirs_are_enough_until_a_checkpoint_is_needed(toy):
    toy.run(*ONE, '--only', 'facemix')
    os.rename(toy.work, toy.work.with_name('gone'))
    assert toy.run(*ONE, '--only', 'facemix').done == []
    assert sorted(toy.run(*ONE, '--only', 'ssfer').done) == [
        'facemix/5pct_seed0', 'ssfer/5pct_seed0', 'stage1/faces']


def test_other_settings_make_a_cell_outdated_until_redo(toy, capsys):
    toy.run(*ONE, '--only', 'scratch', 'facemix')
    options = {'train_cfg.supervised.epochs': 4, 'train_cfg.semi.epochs': 2}
    toy.write(options={**options, 'optim_wrapper.optimizer.lr': 1.0})
    capsys.readouterr()
    before = toy.calls()
    assert toy.run(*ONE, '--only', 'scratch', 'ssfer').done == [] and toy.calls() == before
    shown = capsys.readouterr().out
    assert 'differs in optim_wrapper.optimizer.lr' in shown and '1 outdated' in shown
    assert '60.00' not in toy.page.read_text(), 'an old figure must not pass for a new one'
    assert toy.run(*ONE, '--only', 'scratch', '--redo').done == ['scratch/5pct_seed0']
    assert (toy.work / 'scratch/5pct_seed0.old1/result.json').is_file()
    assert '60.00 (1)' in toy.page.read_text()


@pytest.fixture()
def pulled(toy):
    """Stage II was trained here; then git pull brought other settings of it, and their result."""
    toy.run(*ONE, '--only', 'facemix')
    facemix = dict(TABLE['rows']['facemix'], options={'optim_wrapper.optimizer.lr': 1.0})
    toy.write(rows={**TABLE['rows'], 'facemix': facemix})
    run = toy.plan()['facemix/5pct_seed0']
    kept = results(toy).kept(run)
    record = json.loads(kept.read_text())
    kept.write_text(json.dumps(dict(record, fingerprint=run.fingerprint, accuracy=70.)))
    return run, kept


@pytest.mark.parametrize('left', ['epoch_4.pth', 'epoch_3.pth'], ids=['finished', 'half'])
def test_nothing_goes_on_from_weights_of_other_settings(toy, pulled, capsys, left):
    run, kept = pulled
    run.checkpoint.rename(run.work_dir / left)
    before = toy.calls()
    capsys.readouterr()
    assert toy.run(*ONE, '--only', 'facemix').done == []
    assert '1 done' in (shown := capsys.readouterr().out) and '--redo' not in shown

    assert toy.run(*ONE, '--only', 'ssfer').done == [] and toy.calls() == before
    assert ('facemix, 5 %, seed 0: its result is kept, but its work dir holds a training of other '
            'settings, differs in optim_wrapper.optimizer.lr; add') in capsys.readouterr().out

    toy.run(*ONE, '--only', 'ssfer', '--redo', '--dry-run')
    assert 'To train: 2 runs' in capsys.readouterr().out
    toy.orders(fail=['facemix/5pct_seed0'])
    with pytest.raises(UserError, match='1 failed .*, 1 waiting'):
        toy.run(*ONE, '--only', 'ssfer', '--redo')
    assert (toy.work / 'facemix/5pct_seed0.old1' / left).is_file()
    assert json.loads(kept.read_text())['accuracy'] == 70, 'the result is of these settings'
    toy.orders()
    assert toy.run(*ONE, '--only', 'ssfer').done == ['facemix/5pct_seed0', 'ssfer/5pct_seed0']


def test_again_sets_a_work_dir_of_other_settings_aside_itself(toy, pulled, capsys):
    chosen = (*ONE, '--only', 'facemix', 'ssfer', '--again')
    toy.run(*chosen, '--dry-run')
    assert 'To train: 2 runs' in (shown := capsys.readouterr().out) and '--redo' not in shown
    assert toy.run(*chosen).done == ['facemix/5pct_seed0', 'ssfer/5pct_seed0']


def test_what_was_begun_again_is_trained_though_its_work_dir_is_set_aside(toy, pulled):
    run, kept = pulled
    begin_again(run)
    assert toy.run(*ONE, '--only', 'facemix', '--redo').done == ['facemix/5pct_seed0']
    assert json.loads(kept.read_text())['accuracy'] != 70


def test_a_journal_of_before_fingerprints_is_of_these_settings(toy, pulled):
    run, _ = pulled
    (run.work_dir / 'run.json').write_text('{"sessions": []}')
    assert toy.run(*ONE, '--only', 'ssfer').done == ['ssfer/5pct_seed0']


def test_a_finished_cell_is_trained_again_and_keeps_its_result_until_then(toy, capsys):
    toy.run(*ONE, '--only', 'scratch', 'facemix')
    run = toy.plan()['scratch/5pct_seed0']
    kept = results(toy).kept(run)
    old = json.loads(kept.read_text())
    capsys.readouterr()
    toy.run(*ONE, '--only', 'scratch')
    shown = capsys.readouterr().out
    assert 'Nothing to train. Cells that are finished (' in shown and 'add --again' in shown

    toy.run(*ONE, '--only', 'scratch', 'ssfer', '--again', '--dry-run')
    shown = capsys.readouterr().out
    assert 'To train: 2 runs' in shown and is_begun_again(run) is False

    toy.orders(fail=['scratch/5pct_seed0'])
    with pytest.raises(UserError, match='1 failed'):
        toy.run(*ONE, '--only', 'scratch', '--again')
    assert (toy.work / 'scratch/5pct_seed0.old1/result.json').is_file()
    assert json.loads(kept.read_text()) == old and '60.00 (1)' in toy.page.read_text()
    assert results(toy).state(run) is State.PARTLY

    toy.orders()  # the same command goes on, with --again or without
    assert toy.run(*ONE, '--only', 'scratch', '--again').done == ['scratch/5pct_seed0']
    assert not (toy.work / 'scratch/5pct_seed0.old2').exists()
    assert json.loads(kept.read_text())['sessions'] == 2
    assert results(toy).state(run) is State.DONE and toy.run(*ONE, '--only', 'scratch').done == []


def test_what_a_cell_needs_is_trained_again_only_where_it_is_chosen(toy):
    toy.run(*ONE, '--only', 'ssfer')
    assert toy.run(*ONE, '--only', 'ssfer', '--again').done == ['ssfer/5pct_seed0']
    assert toy.run(*ONE, '--only', 'ssfer', 'facemix', '--again').done == [
        'facemix/5pct_seed0', 'ssfer/5pct_seed0']


def test_kept_results_without_work_dirs_are_trained_again(toy):
    """As in a fresh clone, where what they need is missing, too."""
    toy.run(*ONE, '--only', 'ssfer')
    os.rename(toy.work, toy.work.with_name('gone'))
    assert sorted(toy.run(*ONE, '--only', 'ssfer', '--again').done) == [
        'facemix/5pct_seed0', 'ssfer/5pct_seed0', 'stage1/faces']


def test_resume_is_what_it_does_anyway(toy):
    assert toy.run(*ONE, '--only', 'scratch', '--resume').done == ['scratch/5pct_seed0']
    assert toy.run(*ONE, '--only', 'scratch', '--resume').done == []


def test_a_failure_is_told_and_does_not_stop_the_rest(toy, capsys):
    toy.orders(fail=['facemix/5pct_seed0'])
    with pytest.raises(UserError, match=r'1 failed \(the first: facemix, 5 %, seed 0\), 2 waiting'):
        toy.run(*ONE)
    assert 'failed, the data are gone' in capsys.readouterr().out
    assert toy.calls() == ['facemix/5pct_seed0', 'scratch/5pct_seed0', 'stage1/faces']
    assert '60.00' in toy.page.read_text()
    toy.orders()
    assert sorted(toy.run(*ONE).done) == ['facemix/5pct_seed0', 'fixmatch/5pct_seed0',
                                          'ssfer/5pct_seed0']
    log = toy.work / 'facemix/5pct_seed0/train.log'
    assert 'the data are gone' in log.read_text(), 'of all sessions'


@pytest.mark.parametrize('noted', [False, True], ids=['now', 'by a process that was killed'])
def test_a_run_without_the_figures_of_a_table_fails_and_nothing_else(toy, capsys, noted):
    bad = 'scratch/5pct_seed0'
    toy.orders(other_metric=[bad])
    for _ in range(1 + noted):
        with pytest.raises(UserError, match='1 failed .the first: scratch, 5 %, seed 0.; '):
            toy.run(*ONE, '--only', 'scratch', 'facemix')
        assert f'{bad} has the figures accuracy/top1; a table shows' in capsys.readouterr().out
    assert toy.calls() == ['facemix/5pct_seed0', bad, 'stage1/faces']
    assert 'ExpressionAccuracy' in (toy.work / bad / 'train.log').read_text()


def when(path, then):
    """Call something as soon as a file is there, from another thread."""
    def wait():
        while not path.exists():
            time.sleep(0.01)
        then()

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_trainings_and_leaves_them_to_be_continued(toy, number):
    toy.orders(hang=['scratch/5pct_seed0'])
    folder = toy.work / 'scratch/5pct_seed0'
    when(folder / 'hanging', lambda: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt), kill_as_interrupt():  # as `command` does it
        toy.run(*ONE, '--only', 'scratch')
    session, = json.loads((folder / 'run.json').read_text())['sessions']
    assert session['seconds'] > 0
    toy.orders()
    assert toy.run(*ONE, '--only', 'scratch').done == ['scratch/5pct_seed0']


def test_a_second_ctrl_c_does_not_wait(toy, monkeypatch):
    monkeypatch.setattr(execute, 'PATIENCE', 1000)
    toy.orders(hang=['scratch/5pct_seed0'], deaf=True)
    folder = toy.work / 'scratch/5pct_seed0'
    for name in ('hanging', 'told'):
        when(folder / name, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        toy.run(*ONE, '--only', 'scratch')
    session, = json.loads((folder / 'run.json').read_text())['sessions']
    assert 0 < session['seconds'] < 50, 'of 60'


def test_two_commands_do_not_train_the_same_run(toy):
    """Nor does a new command, where a killed one left its training behind."""
    toy.orders(hang=['scratch/5pct_seed0'])
    run = toy.plan()['scratch/5pct_seed0']
    left_behind = child.Training(run, None, 1)
    while not (run.work_dir / 'hanging').exists():
        time.sleep(0.01)
    with pytest.raises(UserError, match='1 in training by another process'):
        toy.run(*ONE, '--only', 'scratch')
    left_behind.interrupt()
    left_behind.finish_off()
    toy.orders()
    assert toy.run(*ONE, '--only', 'scratch').done == ['scratch/5pct_seed0']


def test_what_another_process_trains_is_not_set_aside(toy):
    """Its work dir would be renamed under it."""
    toy.orders(hang=['scratch/5pct_seed0'])
    run = toy.plan()['scratch/5pct_seed0']
    training = child.Training(run, None, 1)
    while not (run.work_dir / 'hanging').exists():
        time.sleep(0.01)
    toy.write(options={'train_cfg.supervised.epochs': 3, 'train_cfg.semi.epochs': 2})
    with pytest.raises(UserError, match='scratch, 5 %, seed 0 cannot be set aside, another proc'):
        toy.run(*ONE, '--only', 'scratch', '--redo')
    assert (run.work_dir / 'hanging').exists()
    training.finish_off(patience=0)
    assert training.ended() == -signal.SIGKILL
    training.interrupt()  # it hears nothing any more
    toy.orders()
    assert toy.run(*ONE, '--only', 'scratch', '--redo').done == ['scratch/5pct_seed0']


def test_a_kept_copy_that_was_not_written_is_made_up_for(toy):
    """As where this program was killed between the two."""
    toy.run(*ONE, '--only', 'scratch')
    kept = results(toy).kept(toy.plan()['scratch/5pct_seed0'])
    whole = kept.read_text()
    for left in (None, '<<<<<<< HEAD\n' + whole):
        kept.unlink() if left is None else kept.write_text(left)
        assert toy.run(*ONE, '--only', 'scratch').done == []
        assert kept.read_text() == whole


def test_a_damaged_copy_is_no_missing_one(toy):
    toy.run(*ONE, '--only', 'scratch')
    os.rename(toy.work, toy.work.with_name('gone'))
    kept = results(toy).kept(toy.plan()['scratch/5pct_seed0'])
    record = json.loads(kept.read_text())
    kept.write_text('<<<<<<< HEAD')
    with pytest.raises(UserError, match='scratch_5pct_seed0.json is damaged: .* or remove it'):
        toy.run(*ONE, '--only', 'scratch')
    kept.write_text(json.dumps(dict(record, format='ssfer_mm cell 2')))
    with pytest.raises(UserError, match="has the format 'ssfer_mm cell 2', expected 'ssfer_mm ce"):
        toy.run(*ONE, '--only', 'scratch')


def test_a_missing_template_is_told_before_anything_is_trained(toy):
    with pytest.raises(UserError, match='template .*words.md is missing; .* folder of the checkou'):
        toy.run(*ONE, '--only', 'scratch', '--template', 'words.md')
    assert toy.calls() == []
    toy.run(*ONE, '--only', 'scratch', '--template', 'words.md', '--dry-run')  # writes no page


def test_a_table_that_the_page_does_not_show_is_shown_here(toy, capsys):
    """A table of one's own: it would have been trained and written to a page of other tables."""
    toy.run(*ONE, '--only', 'scratch')
    assert '| labels only' not in capsys.readouterr().out, 'the page shows it'
    toy.run('--report-only', '--dev')
    assert 'toy.yaml --dev: recall -->' in capsys.readouterr().out
    (toy.results / 'template.md').write_text('Nothing of it.\n')
    toy.run('--report-only')
    shown = capsys.readouterr().out
    assert 'RESULTS.md shows nothing of ' in shown and '| labels only | 60.00 (1) |' in shown


def test_the_folder_of_the_page_is_made(toy):
    toy.run('--report-only', '--page', toy.results / 'new' / 'PAGE.md')
    assert (toy.results / 'new' / 'PAGE.md').is_file()


def test_a_dry_run_changes_nothing(toy, capsys):
    toy.run(*ONE, '--only', 'scratch')
    page = toy.page.read_text()
    capsys.readouterr()
    toy.run('--dry-run', '--only', 'scratch', 'ssfer', '--fractions', 5)
    shown = capsys.readouterr().out
    assert 'scratch  +-' in shown and 'ssfer    --' in shown
    # The other seed of the same row took 30 s, and so will stage II of others; of stages I and III
    # nothing is known.
    assert shown.count(' 30 s') == 3 and '3 runs of unknown length' in shown
    assert toy.calls() == ['scratch/5pct_seed0'] and toy.page.read_text() == page


def test_report_only_trains_nothing(toy):
    assert toy.run('--report-only').done == [] and toy.calls() == []
    assert '–' in toy.page.read_text()


def test_held_out_results_stay_apart(toy):
    toy.run(*ONE, '--only', 'scratch', '--dev')
    assert not toy.page.exists(), 'of other figures'
    toy.run('--report-only')
    assert '60.00' not in toy.page.read_text()
    assert (toy.results / 'cells/toy-dev/scratch_5pct_seed0.json').is_file()
    assert not (toy.results / 'cells/toy').exists()


def test_progress_is_read_from_the_log(tmp_path):
    log = tmp_path / 'train.log'
    assert child.last_progress(log) == ''
    log.write_text(''.join(
        f'11/24 02:30 - mmengine - INFO - Epoch(train)  [{epoch}][20/44]  lr: 1e-3  eta: '
        '1 day, 0:31:22  time: 0.3\nother\n' for epoch in (2, 3)))
    assert child.last_progress(log) == 'epoch [3][20/44], 1 day, 0:31:22 left'


@pytest.mark.parametrize('log, reason', [
    (None, 'no output'), ('\n', 'no output'), ('a\nTypeError: x\n', 'TypeError: x'),
    ('error: first\nerror: a sentence\nan error: too late\n', 'a sentence'),
    ('error: ' + 'x' * 400, 'x' * 300)], ids=['no log', 'empty', 'traceback', 'sentence', 'long'])
def test_why_a_training_failed(tmp_path, log, reason):
    if log is not None:
        (tmp_path / 'train.log').write_text(log)
    assert child.last_error(SimpleNamespace(work_dir=tmp_path)) == reason


@pytest.mark.parametrize('link', [os.link, None], ids=['links', 'another disk'])
def test_the_checkpoint_to_continue_from_is_laid_there_once(tmp_path, monkeypatch, link):
    def no_links(*places):
        raise OSError

    monkeypatch.setattr(os, 'link', link or no_links)
    before = SimpleNamespace(checkpoint=tmp_path / 'epoch_4.pth')
    before.checkpoint.write_text('stage II')
    run = SimpleNamespace(work_dir=tmp_path / 'run')
    run.work_dir.mkdir()
    if link:  # what was left where this program was killed
        link(before.checkpoint, run.work_dir / '.epoch_4.pth.part')
    child._continue_from(run, before)
    laid = run.work_dir / 'epoch_4.pth'
    assert os.listdir(run.work_dir) == [laid.name] and laid.read_text() == 'stage II'
    laid.rename(run.work_dir / 'epoch_5.pth')
    child._continue_from(run, before)
    assert os.listdir(run.work_dir) == ['epoch_5.pth'], 'it goes on from its own'


def test_what_a_damaged_checkpoint_is_to_begin_fails_and_nothing_else(toy, capsys):
    toy.run(*ONE, '--only', 'facemix')
    damaged = toy.plan()['facemix/5pct_seed0'].checkpoint
    write_list(damaged.parent, [dict(file=damaged.name, sha256='0' * 64, kind='stage end')])
    with pytest.raises(UserError, match='of the runs, 2 failed .the first: ssfer, 5 %'):
        toy.run(*ONE)
    assert f'5 %, seed 0: failed, Checkpoint {damaged} is damaged' in capsys.readouterr().out
    folder = toy.work / 'ssfer/5pct_seed0'
    assert 'error: Checkpoint' in (folder / 'train.log').read_text()
    assert not list(folder.glob('*.pth*')) and 'scratch/5pct_seed0' in toy.calls()


@pytest.mark.parametrize('jobs, threads', [(1, '4'), (2, '2'), (9, '1')])
def test_trainings_share_the_cores_unless_the_user_says_otherwise(monkeypatch, jobs, threads):
    monkeypatch.setattr(child, 'cores', lambda: 4)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    assert child._environment(jobs)['OMP_NUM_THREADS'] == threads
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert child._environment(jobs)['OMP_NUM_THREADS'] == '3'


def test_without_forks_each_training_begins_by_itself(monkeypatch):
    def refused(environment):
        raise OSError('trainings are forked on Linux only')

    monkeypatch.setattr(child, 'ForkServer', refused)
    assert child.open_fork_server(1) is None


def test_durations():
    assert [duration(s) for s in (0, 59.4, 61, 3599, 3600, 9000)] == [
        '0 s', '59 s', '1 min 1 s', '59 min', '1 h 0 min', '2 h 30 min']
