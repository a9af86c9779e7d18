"""Processes that share a list of batches."""
import multiprocessing
import subprocess
import sys

import pytest

# Ctrl-C for the process that makes the imports, as soon as there is one.
SCRIPT = '''
import os, signal, threading, time
from multiprocessing import forkserver
from ssfer_mm.apis.worker_pool import map_batches

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


@pytest.mark.skipif('forkserver' not in multiprocessing.get_all_start_methods(),
                    reason='no fork server here')
def test_ctrl_c_while_workers_start_is_for_the_main_process_alone(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert 'Traceback' not in done.stderr, done.stderr
    assert done.stdout == "[(1, '1'), (2, '2'), (3, '3')]\n"
