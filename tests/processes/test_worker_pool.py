"""Processes that share a list of batches."""
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.processes import map_batches
from support.time_limit import within

forks = pytest.mark.skipif('fork' not in multiprocessing.get_all_start_methods(),
                           reason='no forks here')

# Ctrl-C for the process that makes the imports, as soon as there is one.
INTERRUPTED_IMPORTS = '''
import os, signal, threading, time
from multiprocessing import forkserver
from ssfer_mm.processes import map_batches

def make():
    return str

def interrupt():
    while (pid := forkserver._forkserver._forkserver_pid) is None:
        time.sleep(0.001)
    time.sleep(0.5)
    os.kill(pid, signal.SIGINT)

if __name__ == '__main__':
    threading.Thread(target=interrupt).start()
    print(sorted(map_batches(make, [1, 2, 3], workers=2)))
'''

# The main process is killed while its workers, forks of it, draw on and on.
KILLED_MAIN = '''
import multiprocessing, os, signal, time
from ssfer_mm.processes import map_batches

def make():
    return lambda seconds: time.sleep(seconds) or os.getpid()

context = multiprocessing.get_context('fork')
for _, pid in map_batches(make, [0.2] * 10_000, 3, context):
    print(pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
'''


def half_of(number, pid):
    """Half of an even number; anything else goes wrong in one of the ways there are."""
    if number == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 'lost':
        raise UserError('photo.jpg: no such file')
    if number == 'cut':
        raise EOFError('in a file, not in the pipe')
    if number == 'closed':
        signal.raise_signal(signal.SIGHUP)
        return 'still there'
    if number == 'long':
        time.sleep(100)
    if number == 'main':
        os.kill(pid, signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGKILL)
    return 'x' * 10_000_000 if number == 'much' else number / 2


def make_half(pid):
    return functools.partial(half_of, pid=pid)


def halves(batches, workers=2):
    return map_batches(functools.partial(make_half, os.getpid()), batches, workers,
                       multiprocessing.get_context('fork'))


@forks
@pytest.mark.parametrize('workers', [1, 3])
def test_every_batch_with_its_result(workers):
    assert sorted(halves(range(50), workers)) == [(k, k / 2) for k in range(50)]


@forks
def test_forks_of_a_process_in_which_opencv_has_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    signal.alarm(100)  # rather than wait for ever
    try:
        cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (9, 9), 2)
        assert len(list(halves(range(5)))) == 5
    finally:
        signal.alarm(0)
        cv2.setNumThreads(before)


def test_one_worker_is_this_process():
    assert list(map_batches(lambda: lambda batch: os.getpid(), [5])) == [(5, os.getpid())]


@forks
def test_what_went_wrong_in_a_worker():
    with pytest.raises(UserError, match='photo.jpg: no such file'):
        list(halves([2, 'lost', 4]))
    with pytest.raises(RuntimeError, match='(?s)a worker process failed.*in half_of.*TypeError'):
        list(halves([2, 'a word', 4]))
    with pytest.raises(RuntimeError, match='(?s)worker process failed.*in a file, not in the pipe'):
        list(halves([2, 'cut', 4]))
    with pytest.raises(UserError, match='worker process was killed.*same command again'):
        list(halves(['kill', 2, 4, 6, 8]))
    with pytest.raises(UserError, match='--workers 0'):
        list(halves([2], workers=0))


@forks
def test_a_kill_of_all_processes_is_the_main_ones_to_tell():
    """A worker may be gone before this process hears of it; nor may one that is killed with half
    of its result sent keep the others waiting."""
    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(halves(['much', 'main', 'much', 'much', 2, 4, 6]))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not multiprocessing.active_children()


@forks
def test_a_closed_terminal_is_the_main_ones_to_hear():
    assert ('closed', 'still there') in list(halves([2, 'closed', 4]))


@forks
def test_busy_workers_end_with_the_block_though_a_training_lets_sigterm_wait():
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        working = halves([2, 'long'])
        assert next(working) == (2, 1)
        with within(50):
            working.close()
    finally:
        signal.signal(signal.SIGTERM, before)


@forks
def test_workers_end_with_a_main_process_that_is_killed():
    main = subprocess.Popen([sys.executable, '-c', KILLED_MAIN], stdout=subprocess.PIPE, text=True)
    assert int(main.stdout.readline())
    main.communicate(timeout=30)  # until the last worker, too, has closed the pipe
    assert main.returncode == -signal.SIGKILL


@pytest.mark.skipif('forkserver' not in multiprocessing.get_all_start_methods(),
                    reason='no fork server here')
def test_ctrl_c_while_workers_start_is_for_the_main_process_alone(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(INTERRUPTED_IMPORTS)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert 'Traceback' not in done.stderr, done.stderr
    assert done.stdout == "[(1, '1'), (2, '2'), (3, '3')]\n"
