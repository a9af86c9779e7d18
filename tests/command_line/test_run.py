"""The line that a user reads when something is wrong."""
import errno
import io
import os
import signal
import sys

import pytest
import torch
from mmpretrain.registry import DATASETS, HOOKS, MODELS, VISBACKENDS

from ssfer_mm.command_line import run
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.runtime.launched import NAMES


def launched(monkeypatch, rank='0', processes='2', launcher='pytorch'):
    """As the process of so many that a launcher started on one machine."""
    for name, number in zip(NAMES[launcher], (rank, processes, rank)):
        monkeypatch.setenv(name, number)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--launcher', launcher])


def wrapped_by_mmengine_0_10_7(error):
    """What its Registry.build makes of an error in a constructor, two levels deep."""
    for name in ('Inner', 'Outer'):
        try:
            raise error
        except UserError as caught:
            error = type(caught)(f'class `{name}` in ssfer_mm/datasets/{name.lower()}.py: {caught}')
    return error


def test_user_error_is_dug_out_of_the_registry():
    assert run.user_message(wrapped_by_mmengine_0_10_7(UserError('no faces'))) == 'no faces'
    assert run.user_message(UserError('no\n  faces')) == 'no faces'


class Unreadable(torch.utils.data.Dataset):

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise UserError('image a.png cannot be read')


def test_user_error_is_dug_out_of_a_loader_worker():
    loader = torch.utils.data.DataLoader(Unreadable(), num_workers=1)
    with pytest.raises(UserError) as caught:
        next(iter(loader))
    assert 'Traceback' in str(caught.value)
    assert run.user_message(caught.value) == 'image a.png cannot be read'
    caused = UserError('Original Traceback:\nUserError: no file\n\nUserError: no face')
    assert run.user_message(caused) == 'no face'


@pytest.mark.parametrize('registry, name, closest', [
    (MODELS, 'VisionTransfomer', 'VisionTransformer'),
    (DATASETS, 'CustomDatasett', 'CustomDataset'),
    (MODELS, 'VisTransformer', 'VisionTransformer'),
    (HOOKS, 'CheckpointHok', 'CheckpointHook'),  # one of mmengine's own
])
def test_unknown_type_names_the_closest(registry, name, closest):
    with pytest.raises(KeyError) as caught:
        registry.build(dict(type=name))
    message = run.user_message(caught.value)
    assert f"'{name}' is not in the mmpretrain::" in message and f'closest: {closest}' in message
    assert '\n' not in message


def test_an_unknown_type_that_resembles_none():
    assert run.user_message(KeyError('Qqq is not in the hook registry.')).startswith(
        "'Qqq' is not in the hook registry; Correct its type= in the config")


def test_other_errors_keep_their_traceback(monkeypatch):
    assert run.user_message(KeyError('epoch')) is None

    def bug():
        raise KeyError('epoch')

    def mistake():
        raise UserError('no faces')

    with pytest.raises(KeyError):
        run.run_cli(bug)
    monkeypatch.setenv('SSFER_DEBUG', '1')
    with pytest.raises(UserError):
        run.run_cli(mistake)
    for off in ('', '0'):
        monkeypatch.setenv('SSFER_DEBUG', off)
        assert run.run_cli(mistake) == 2


def test_a_package_that_a_config_needs_is_no_traceback(monkeypatch, tmp_path):
    """README names TensorBoard, which is an extra of its own."""
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    monkeypatch.setitem(sys.modules, 'tensorboardX', None)
    backend = VISBACKENDS.build(dict(type='TensorboardVisBackend', save_dir=str(tmp_path)))
    with pytest.raises(ImportError) as caught:
        backend.add_scalar('loss', 1.)
    assert 'not installed; run: pip install tensorboard' in run.user_message(caught.value)
    assert run.user_message(ImportError('cannot import name x')) is None, 'a mistake of ours'


def test_a_full_disk_is_no_traceback(capsys):
    """Checkpoints say more; logs, reports and caches may be what the disk takes no more of."""
    def full():
        raise OSError(errno.ENOSPC, 'No space left on device', 'scalars.json')

    assert run.run_cli(full) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: scalars.json cannot') and 'No space left' in said
    assert '--resume' in said and said.count('\n') == 1
    assert run.user_message(OSError(errno.EIO, 'Input/output error')) is None


@pytest.mark.parametrize('number', ['EDQUOT', 'EROFS', 'EACCES', 'EPERM'])
def test_a_place_that_takes_nothing_is_no_traceback(number):
    said = run.user_message(OSError(getattr(errno, number), 'refused'))
    assert said.startswith('a file cannot be opened or written (refused). Make room there')


@pytest.mark.parametrize('number', ['EISDIR', 'ENOTDIR', 'EEXIST'])
def test_a_folder_where_a_file_is_wanted_is_named(number):
    number = getattr(errno, number)
    for names in (('out', ), ('out.tmp', None, 'out')):  # the second one as os.replace does
        assert run.user_message(OSError(number, 'other kind', *names)).startswith(
            'out cannot be opened or written (other kind). Name a file where a file is wanted')
    assert run.user_message(OSError(number, 'other kind')) is None


def test_a_deleted_folder_that_we_are_in_is_no_traceback_either(tmp_path, monkeypatch):
    gone = tmp_path / 'gone'
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    error = FileNotFoundError(errno.ENOENT, 'none', 'work/log')
    assert 'work/log cannot be opened or written: there is no folder .' in run.user_message(error)


def test_a_work_dir_that_was_deleted_is_no_traceback(tmp_path, capsys):
    def train():
        open(tmp_path / 'work' / 'vis_data' / 'scalars.json', 'a')

    assert run.run_cli(train) == 2
    said = capsys.readouterr().err
    assert f'scalars.json cannot be opened or written: there is no folder {tmp_path}/work.' in said
    assert '--resume' in said and said.count('\n') == 1


def test_a_missing_file_of_a_folder_that_is_there_keeps_its_traceback(tmp_path):
    for error in (FileNotFoundError(2, 'No such file', str(tmp_path / 'a.json')),
                  FileNotFoundError(2, 'No such file', 5), FileNotFoundError('of a library')):
        assert run.user_message(error) is None


def test_run_cli_reports_in_one_line(capsys):

    def mistake():
        raise wrapped_by_mmengine_0_10_7(UserError('no faces'))

    assert run.run_cli(lambda: 'result') == 0 and run.run_cli(lambda: 1) == 1
    assert capsys.readouterr().err == ''
    assert run.run_cli(mistake) == 2
    assert capsys.readouterr().err == 'error: no faces\n'


def test_interrupt_tells_how_to_resume(capsys, monkeypatch):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'my config.py', '--amp'])
    assert run.run_cli(interrupted, resumable=True) == 130
    assert "python tools/train.py 'my config.py' --amp --resume" in capsys.readouterr().err
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--redo', '--amp'])
    assert run.run_cli(interrupted, resumable=True) == 130
    assert 'python tools/train.py c.py --amp --resume\n' in capsys.readouterr().err
    assert run.run_cli(interrupted) == 130
    assert '--resume' not in capsys.readouterr().err


@pytest.mark.usefixtures('hang_ups_arrive')
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_leaves_no_half_written_file(capsys, tmp_path, number):

    def writing():
        with atomic_write(tmp_path / 'boxes.jsonl') as file:
            file.write('half')
            signal.raise_signal(number)

    assert run.run_cli(writing) == 130
    assert capsys.readouterr().err == '\nInterrupted.\n' and not list(tmp_path.iterdir())


@pytest.mark.parametrize('processes, training', [('1', True), ('2', False)])
def test_trainings_and_torchrun_have_their_own_way_with_kills(monkeypatch, processes, training):
    launched(monkeypatch, processes=processes)
    before = signal.getsignal(signal.SIGTERM)
    assert run.run_cli(lambda: int(signal.getsignal(signal.SIGTERM) == before), training) == 1


def test_an_interrupt_that_a_cleanup_turned_into_an_error(capsys):
    """As where it meets ``os.close`` inside ``shutil.rmtree``, which closes the file again."""

    def interrupted():
        try:
            try:
                raise KeyboardInterrupt
            finally:
                os.close(-1)
        except OSError as error:
            raise UserError('the config cannot be read') from error

    assert run.run_cli(interrupted) == 130
    assert capsys.readouterr().err == '\nInterrupted.\n'


def test_an_interrupt_after_which_nothing_could_be_saved(capsys):

    def interrupted():
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError(errno.ENOSPC, 'No space left on device', 'iter_7.pth')

    assert run.run_cli(interrupted) == 2
    assert 'iter_7.pth cannot be opened or written (No space left' in capsys.readouterr().err


def test_a_tool_that_goes_on_in_another_way_says_so_after_an_interrupt(capsys, monkeypatch):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['tools/run_table.py', 'my table.yaml', '--redo', '--dev'])
    assert run.run_cli(interrupted, after_interrupt=run.go_on_hint('--redo')) == 130
    assert capsys.readouterr().err == (
        '\nInterrupted. What is done is kept. Go on with: '
        "python tools/run_table.py 'my table.yaml' --dev\n")


@pytest.mark.parametrize('processes, error', [
    ('1', RuntimeError), ('2', UserError)])  # no other process; a mistake that is named
def test_a_lost_connection_is_not_always_another_process(monkeypatch, processes, error):
    def lost():
        raise error('weights.pth: Connection reset by peer')

    launched(monkeypatch, processes=processes)
    if error is UserError:
        assert run.run_cli(lost) == 2
    else:
        with pytest.raises(RuntimeError):
            run.run_cli(lost)


def test_a_lost_loader_that_is_told_of_in_the_middle_of_our_own_words(capsys, monkeypatch):
    """PyTorch raises it where a signal finds the process."""
    lost, words = RuntimeError('DataLoader worker (pid 31) is killed by signal: Killed.'), iter([1])

    def interrupted(place):
        if next(words, None):
            raise lost
        return ' Go on.'

    def train():
        raise RuntimeError('DataLoader worker (pid(s) 31) exited unexpectedly')

    monkeypatch.setattr(run, '_resume_hint', interrupted)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        assert run.run_cli(train, resumable=True) == 1
    finally:
        signal.signal(signal.SIGCHLD, before)
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith('error: process 31 that loads images') and line.endswith('Go on.')


@pytest.mark.parametrize('before, kept', [
    (['c.py', '--resume'], ['c.py']), (['c.py', '--resume', 'a/iter_1.pth', '--amp'], ['c.py',
                                                                                     '--amp']),
    (['--resume=a/iter_1.pth', 'c.py'], ['c.py']), (['c.py', '--res', 'a.pth'], ['c.py']),
    (['c.py', '--resume', '--cfg-options', 'a=1'], ['c.py', '--cfg-options', 'a=1'])])
def test_after_an_interrupt_the_run_goes_on_from_where_it_is(capsys, monkeypatch, before, kept):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['tools/train.py', *before])
    assert run.run_cli(interrupted, resumable=True) == 130
    command = ' '.join(['python tools/train.py', *kept, '--resume'])
    assert capsys.readouterr().err.endswith(f' with: {command}\n')


def test_a_name_that_is_not_utf8_can_be_printed(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding='utf-8', errors='strict')
    monkeypatch.setattr(sys, 'stdout', stream)
    assert run.run_cli(lambda: print(os.fsdecode(b'caf\xe9.jpg'), 'caf\u00e9')) == 0
    stream.flush()
    assert stream.buffer.getvalue().decode() == '\\udce9.jpg'.join(['caf', ' caf\u00e9\n'])


@pytest.mark.parametrize('launcher', NAMES)
@pytest.mark.parametrize('rank, waits', [('0', []), ('3', [run.SPEAKS_FIRST])])
def test_a_mistake_that_all_processes_find_is_said_by_the_first(monkeypatch, capsys, rank, waits,
                                                                launcher):
    """torchrun ends the others while they wait."""
    def mistake():
        raise UserError('no faces')

    slept = []
    monkeypatch.setattr(run.time, 'sleep', slept.append)
    launched(monkeypatch, rank, '4', launcher)
    assert run.run_cli(mistake) == 2
    assert slept == waits and capsys.readouterr().err == 'error: no faces\n'


def test_ranks_in_the_environment_of_a_process_that_is_alone_mean_nothing(monkeypatch, capsys):
    """As in a pod of Kubeflow, where RANK and WORLD_SIZE are set for whatever runs there."""

    def interrupted():
        raise KeyboardInterrupt

    def killed():
        signal.raise_signal(signal.SIGTERM)

    def lost():
        raise RuntimeError('weights.pth: Connection reset by peer')

    def mistake():
        raise UserError('no faces')

    launched(monkeypatch, rank='1')
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py'])
    monkeypatch.setattr(run.time, 'sleep', lambda _: pytest.fail('waits for other processes'))
    assert run.run_cli(interrupted, resumable=True) == 130
    assert capsys.readouterr().err == ('\nInterrupted. Continue from the last saved checkpoint '
                                       'with: python tools/train.py c.py --resume\n')
    assert run.run_cli(killed) == 130 and capsys.readouterr().err == '\nInterrupted.\n'
    assert run.run_cli(mistake) == 2
    with pytest.raises(RuntimeError):
        run.run_cli(lost, resumable=True)
    monkeypatch.setenv('WORLD_SIZE', '')
    assert run.run_cli(interrupted) == 130
