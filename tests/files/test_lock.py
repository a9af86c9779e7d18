import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ssfer_mm.files import lock
from ssfer_mm.files.lock import held_by_this_process, locked, locked_beside, take_lock

fcntl = pytest.importorskip('fcntl')


def test_file_is_locked_until_its_descriptor_is_closed(tmp_path):
    with locked(tmp_path / 'a'), pytest.raises(BlockingIOError):
        take_lock(tmp_path / 'a', wait=False)
    with locked(tmp_path / 'a', wait=False):
        pass


def test_folder_is_locked_like_a_file(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError):
        take_lock(tmp_path, wait=False)
    assert not list(tmp_path.iterdir())


def test_lock_beside_a_file_leaves_nothing(tmp_path):
    path = str(tmp_path / 'index')
    with locked_beside(path):
        with pytest.raises(BlockingIOError), locked_beside(path, wait=False):
            pass
    assert not list(tmp_path.iterdir())


def test_others_wait_for_their_turn(tmp_path):
    path, order = str(tmp_path / 'index'), []

    def second():
        with locked_beside(path):
            order.append('second')

    with locked_beside(path):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append('first')
    other.join(10)
    assert order == ['first', 'second']


def test_a_lock_taken_away_while_it_was_opened_is_not_believed(tmp_path, monkeypatch):
    """Between opening the file and locking it, its holder ended, and a third one came."""
    path, real = str(tmp_path / 'index'), fcntl.flock
    third = contextlib.ExitStack()

    def late(handle, how):
        monkeypatch.setattr(fcntl, 'flock', real)
        os.unlink(tmp_path / '.index.lock')
        third.enter_context(locked_beside(path))
        real(handle, how)

    monkeypatch.setattr(fcntl, 'flock', late)
    with third, pytest.raises(BlockingIOError), locked_beside(path, wait=False):
        pass


# Killed while a child, as a loader is, lives on.
HOLDER = '''
import multiprocessing, os, signal, sys, time
from ssfer_mm.files.lock import held_by_this_process

with held_by_this_process(sys.argv[1]) as holder:
    assert holder is None
    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(100, ))
    child.start()
    print(child.pid, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
'''


def test_a_process_holds_a_file_until_it_ends_and_its_children_do_not(tmp_path):
    path = tmp_path / 'held'
    with subprocess.Popen([sys.executable, '-c', HOLDER, str(path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        child = int(other.stdout.readline())
        try:
            with held_by_this_process(path) as holder:
                assert holder == f'process {other.pid} on {socket.gethostname()}'
            print(file=other.stdin, flush=True)
            other.wait()  # not for its output, which the child keeps open
            with held_by_this_process(path) as holder:
                assert holder is None
        finally:
            os.kill(child, signal.SIGKILL)


def refusing(number):
    def refuse(handle, how):
        raise OSError(number, os.strerror(number))
    return refuse


@pytest.mark.parametrize('number', [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path, monkeypatch, number):
    for call in ('flock', 'lockf'):
        monkeypatch.setattr(lock.fcntl, call, refusing(number))
    with held_by_this_process(tmp_path / 'held') as holder:
        assert holder is None
    for wait in (True, False):
        with locked(tmp_path, wait), locked_beside(str(tmp_path / 'index'), wait):
            pass
    assert os.listdir(tmp_path) == ['held']


def test_a_disk_that_fails_is_not_one_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(lock.fcntl, 'flock', refusing(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        take_lock(tmp_path)
