"""A run's folder is its own: nobody trains there beside it, or over it."""
import subprocess
import sys
from pathlib import Path

import pytest

from ssfer_mm.apis import train_main
from ssfer_mm.apis.training.own_work_dir import own_work_dir
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import unique_name
from support.tiny_config import write_tiny_config

RUN = Path('work_dirs/tiny')
HOLDING = '''
import sys
from ssfer_mm.files.lock import held_by_this_process
with held_by_this_process(sys.argv[1]):
    print('held', flush=True)
    sys.stdin.read()
'''


@pytest.fixture()
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(write_tiny_config(tmp_path))


def start(config, *arguments):
    """Under a name of its own: runs of one name that begin in the same second share a log."""
    train_main([config, *arguments, '--cfg-options', f'experiment_name={unique_name()}'])


def test_a_run_is_not_trained_over(config):
    start(config)
    before = {path.name: path.stat() for path in RUN.iterdir()}
    with pytest.raises(UserError, match=r'work_dirs/tiny holds a run, .* is epoch_1.pth. Continue'):
        start(config)
    assert {path.name: path.stat() for path in RUN.iterdir()}.keys() == before.keys()
    assert (RUN / 'epoch_1.pth').stat().st_mtime == before['epoch_1.pth'].st_mtime
    start(config, '--resume')

    start(config, '--redo')
    kept = RUN.with_name('tiny.old1') / 'epoch_1.pth'
    assert kept.stat().st_mtime == before['epoch_1.pth'].st_mtime
    assert (RUN / 'epoch_1.pth').stat().st_mtime > kept.stat().st_mtime


def test_nor_by_one_that_goes_on_from_elsewhere(config):
    start(config)
    there = str(RUN / 'epoch_1.pth')
    start(config, '--work-dir', 'other', '--resume', there)
    assert Path('other/epoch_1.pth').exists() is False, 'it was at its end already'
    Path('other/epoch_1.pth').touch()
    with pytest.raises(UserError, match='other holds a run.*Continue it with --resume without a'):
        start(config, '--work-dir', 'other', '--resume', there)
    start(config, '--resume', there)
    Path('link').symlink_to('work_dirs/tiny')  # the same folder by another name
    start(config, '--work-dir', 'link', '--resume', there)


def test_a_folder_that_cannot_be_made_is_one_line(config):
    Path('notes').touch()
    with pytest.raises(UserError, match=r'notes/run cannot be made .*: give --work-dir a place'):
        start(config, '--work-dir', 'notes/run')


def test_what_has_no_checkpoint_is_no_run(config):
    (RUN / '20261128_120000/vis_data').mkdir(parents=True)
    start(config, '--redo')
    assert (RUN / 'epoch_1.pth').exists() and [path.name for path in RUN.parent.iterdir()] == [
        'tiny']


@pytest.mark.parametrize('option', [[], ['--resume'], ['--redo']])
def test_two_do_not_train_there_at_once(config, option):
    RUN.mkdir(parents=True)
    (RUN / 'epoch_1.pth').touch()
    with subprocess.Popen([sys.executable, '-c', HOLDING, str(RUN / '.running')], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == 'held\n'
        with pytest.raises(UserError, match=fr'tiny: process {other.pid} on .* trains there. Wait'):
            start(config, *option)
    assert [path.name for path in RUN.parent.iterdir()] == ['tiny']


def test_of_several_processes_the_first_one_looks(config, monkeypatch):
    """Where there is a GPU they have not met yet."""
    RUN.mkdir(parents=True)
    (RUN / 'epoch_1.pth').touch()
    cfg = load_config(config, {})
    cfg.work_dir, cfg.launcher = str(RUN), 'pytorch'
    monkeypatch.setenv('RANK', '1')
    with own_work_dir(cfg, redo=False):
        pass
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(UserError, match='holds a run'), own_work_dir(cfg, redo=False):
        pass
