"""Faces that several processes draw."""
import os
import signal
import subprocess
import sys

import pytest

SCRIPT = '''
import signal
from ssfer_mm.synthfer import pool

def stop(number, frame):  # as GracefulStopHook
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
try:
    pool.render_pool(pool.SynthFERGenerator(0, 48), 'train', 6400, processes=2)
except KeyboardInterrupt:
    print('Interrupted.')
'''


@pytest.mark.skipif(not hasattr(os, 'killpg'), reason='no process groups here')
@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_an_interrupt_while_faces_are_drawn_ends_all_processes_without_a_word(name):
    run = subprocess.Popen([sys.executable, '-c', SCRIPT], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        assert 'rendered' in run.stdout.readline()
        os.killpg(run.pid, getattr(signal, name))  # a terminal and Slurm tell all of them
        rest, _ = run.communicate(timeout=120)  # the workers hold the pipe while they live
    finally:
        run.kill()
    assert [line for line in rest.splitlines() if 'rendered' not in line] == ['Interrupted.']
