"""Processes that start afresh, and who hears Ctrl-C."""
import signal
import subprocess
import sys

import pytest

ORPHAN = '''
import os, signal, time
from ssfer_mm.processes import end_with_parent, fresh_processes

def stay(pipe):
    signal.signal(signal.SIGTERM, lambda number, frame: print('told', flush=True) or os._exit(0))
    end_with_parent()
    pipe.send('ready')
    time.sleep(1000)

if __name__ == '__main__':
    context = fresh_processes(['json'])
    ours, theirs = context.Pipe()
    context.Process(target=stay, args=(theirs,)).start()
    assert ours.recv() == 'ready'
    os.kill(os.getpid(), signal.SIGKILL)
'''

LISTENING = '''
import os, signal, time
from ssfer_mm.processes import fresh_processes, hear_ctrl_c

def listen(pipe, hears):
    if hears:
        hear_ctrl_c()
    try:
        pipe.send('ready')
        time.sleep(2)
        pipe.send('finished')
    except KeyboardInterrupt:
        pipe.send('interrupted')

if __name__ == '__main__':
    context = fresh_processes(['json'])
    for hears in (False, True):
        ours, theirs = context.Pipe()
        process = context.Process(target=listen, args=(theirs, hears))
        process.start()
        assert ours.recv() == 'ready'
        os.kill(process.pid, signal.SIGINT)
        print(ours.recv())
        process.join()
'''


@pytest.mark.skipif(not hasattr(signal, 'pthread_sigmask'), reason='no masks of signals here')
def test_ctrl_c_is_for_the_main_process_unless_one_asks_to_hear_it(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(LISTENING)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stdout == 'finished\ninterrupted\n', done.stderr


@pytest.mark.skipif(not hasattr(signal, 'SIGKILL'), reason='nothing to kill with here')
def test_a_process_hears_that_its_parent_was_killed(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(ORPHAN)
    # ends when the last process has closed the pipe
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=90)
    assert done.stdout == 'told\n', done.stderr
