"""Trainings that are forked: their output, their ends, and what they hold."""
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.tables.fork_server import ForkServer

pytestmark = pytest.mark.skipif(not sys.platform.startswith('linux'), reason='forks')


@pytest.fixture(scope='module')
def server():
    opened = ForkServer(dict(os.environ, OMP_NUM_THREADS='1'))
    yield opened
    opened.close()


@pytest.fixture()
def hanging(tmp_path):
    """A config that says when it is read, and is never done with that."""
    path = tmp_path / 'hanging.py'
    path.write_text(f"import time\nopen(r'{tmp_path / 'there'}', 'w').close()\ntime.sleep(60)\n")
    return path


def begin(server, folder, config, lock=None):
    with open(folder / 'train.log', 'ab') as log:
        return server.train([str(config), '--work-dir', str(folder)], log.fileno(), lock)


def wait_for(path):
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_output_and_exit_status_are_those_of_the_tool(server, tmp_path):
    training = begin(server, tmp_path, 'nonsense.py')
    assert training.wait(30) == 2 and training.poll() == 2
    assert 'error: Config nonsense.py not found' in (tmp_path / 'train.log').read_text()


@pytest.mark.parametrize('gpu, seen', [('1', '1'), (None, 'that of the command')])
def test_a_training_sees_its_gpu_only(tmp_path, monkeypatch, gpu, seen):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', 'that of the command')
    config = tmp_path / 'config.py'
    config.write_text(f"import os\nopen(r'{tmp_path / 'seen'}', 'w').write("
                      "os.environ['CUDA_VISIBLE_DEVICES'])\n")
    mine = ForkServer(dict(os.environ))
    with open(tmp_path / 'train.log', 'ab') as log:
        mine.train([str(config)], log.fileno(), None, gpu).wait(30)
    mine.close()
    assert (tmp_path / 'seen').read_text() == seen


def test_a_wrong_command_line_ends_it_too(server, tmp_path):
    with open(tmp_path / 'train.log', 'ab') as log:
        assert server.train(['--nonsense'], log.fileno(), None).wait(30) == 2
    assert 'usage:' in (tmp_path / 'train.log').read_text()


def test_two_that_end_at_once(server, tmp_path, hanging):
    """Their ends come in one message: two runs of a table, after Ctrl-C."""
    folders = [tmp_path / name for name in ('a', 'b')]
    for folder in folders:
        folder.mkdir()
    trainings = [begin(server, folder, hanging) for folder in folders]
    os.kill(server.process.pid, signal.SIGSTOP)  # it will find both
    for training in trainings:
        os.kill(training.pid, signal.SIGKILL)
    os.kill(server.process.pid, signal.SIGCONT)
    time.sleep(1)  # both lines lie in the socket
    assert [training.wait(30) for training in reversed(trainings)] == [-signal.SIGKILL] * 2


def test_ctrl_c_while_a_training_begins_leaves_none_behind(server, tmp_path, hanging, monkeypatch):
    line = ForkServer._line

    def interrupted(server):
        monkeypatch.setattr(ForkServer, '_line', line)
        raise KeyboardInterrupt

    monkeypatch.setattr(ForkServer, '_line', interrupted)
    with pytest.raises(KeyboardInterrupt):
        begin(server, tmp_path, hanging)
    before = dict(server._ended)
    end = time.monotonic() + 30
    while server._ended == before:
        assert server.status_of(0) is None and time.monotonic() < end
    assert [status for pid, status in server._ended.items()
            if pid not in before] == [-signal.SIGTERM]


def test_a_killed_training_has_the_signal_as_its_status(server, tmp_path, hanging):
    training = begin(server, tmp_path, hanging)
    wait_for(tmp_path / 'there')
    assert training.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        training.wait(0.1)
    os.killpg(training.pid, signal.SIGKILL)
    assert training.wait(30) == -signal.SIGKILL


def test_the_lock_is_held_as_long_as_the_training_lives(server, tmp_path, hanging):
    lock = os.open(tmp_path / 'lock', os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    training = begin(server, tmp_path, hanging, lock)
    os.close(lock)
    wait_for(tmp_path / 'there')
    with open(tmp_path / 'lock') as again:
        with pytest.raises(BlockingIOError):
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.killpg(training.pid, signal.SIGTERM)
        training.wait(30)
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_several_train_at_once(server, tmp_path, hanging):
    slow = begin(server, tmp_path, hanging)
    assert begin(server, tmp_path, 'nonsense.py').wait(30) == 2
    assert slow.poll() is None
    os.killpg(slow.pid, signal.SIGTERM)
    assert slow.wait(30) == -signal.SIGTERM


def test_a_server_that_dies_is_no_ended_training(tmp_path, hanging):
    mine = ForkServer(dict(os.environ))
    training = begin(mine, tmp_path, hanging)
    wait_for(tmp_path / 'there')
    mine.process.kill()
    with pytest.raises(UserError, match='the same command goes on'):
        training.wait(30)
    os.killpg(training.pid, signal.SIGKILL)
    mine.close()


def test_a_server_that_does_not_get_ready_is_none(monkeypatch):
    monkeypatch.setattr(sys, 'executable', shutil.which('false'))
    with pytest.raises(OSError, match='did not get ready'):
        ForkServer(dict(os.environ))
