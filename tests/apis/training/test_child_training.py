"""A training in a process of its own, and the signals that reach its parent."""
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from ssfer_mm.apis.training import child_training
from ssfer_mm.runtime.signals import NOTICE

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
TRAINING = '''
import time
print('now - INFO - Epoch(train) [1]', flush=True)
time.sleep(0.3)
print('now - INFO - Saving checkpoint iter_1.pth')
'''


def test_bytes_that_are_no_text_do_not_end_it(tmp_path, monkeypatch, capsys):
    """Libraries name files as they find them, and file names may be in any encoding."""
    program = tmp_path / 'train.py'
    program.write_text("import os; os.write(2, b'libpng warning: caf\\xe9.png\\n')\n" + TRAINING)
    monkeypatch.setattr(child_training, 'TRAIN', program)
    child_training.train('config.py', tmp_path / 'run', {}, title='Stage I')
    log = (tmp_path / 'run' / 'train.log').read_text(encoding='utf-8')
    assert 'warning: caf\\xe9.png\n' in log and 'iter_1.pth' in log
    assert 'Epoch(train) [1]' in capsys.readouterr().out


SAID = """print('''now - mmengine - WARNING - "FileClient" will be deprecated in future.
now - mmengine - WARNING - The prefix is not set in metric class ExpressionAccuracy.
now - mmengine - WARNING - UnlabeledFaces: skipping the unreadable image 'a.jpg' (1 so far)
now - mmengine - WARNING - All accepted pseudo-labels of this epoch are of one class.
now - mmengine - WARNING - 2 of 128 images read in this epoch were unreadable
now - mmengine - INFO - Checkpoints will be saved to x
error: the end''')
"""


def test_what_a_training_warns_of_is_shown(tmp_path, monkeypatch, capsys):
    """All but what mmengine says in every training; its log alone would be read too late."""
    program = tmp_path / 'train.py'
    program.write_text(SAID)
    monkeypatch.setattr(child_training, 'TRAIN', program)
    child_training.train('config.py', tmp_path / 'run', {}, title='mine')
    assert capsys.readouterr().out.splitlines()[-3:] == [
        'mine | warning: All accepted pseudo-labels of this epoch are of one class.',
        'mine | warning: 2 of 128 images read in this epoch were unreadable', 'error: the end']
    assert '"FileClient"' in (tmp_path / 'run' / 'train.log').read_text()


# Saves at the first signal, and ends at once at the second.
LISTENING = """
import os, signal, sys, time
from pathlib import Path
asked = []
def hear(number, frame):
    asked.append(number)
    if len(asked) == 2:
        os._exit(1)
    os.write(2, {notice!r})
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, hear)
Path(sys.argv[0]).with_name('begun').touch()
print('now - INFO - Epoch(train) [1]', flush=True)
while not asked:
    time.sleep(0.01)
time.sleep({seconds})
Path(sys.argv[0]).with_name('saved').touch()
print('its last words')
"""
PARENT = """
from pathlib import Path
from ssfer_mm.apis.training import child_training
child_training.TRAIN, child_training.TOLD_AS_WELL = Path({program!r}), 4.
try:
    child_training.train('config.py', Path({program!r}).with_name('run'), {{}}, title='Stage I')
except KeyboardInterrupt:
    print('Interrupted.')
"""


@pytest.mark.skipif(not hasattr(os, 'killpg'), reason='no process groups here')
@pytest.mark.parametrize('tell, number', [
    ('kill', signal.SIGINT), ('killpg', signal.SIGINT),  # a person, and Ctrl-C
    ('kill', signal.SIGTERM), ('killpg', signal.SIGTERM),  # a person, and Slurm
    ('killpg', signal.SIGHUP)])  # a terminal that is closed
def test_a_polite_kill_lets_the_training_save_and_leaves_none_behind(tmp_path, tell, number):
    program = tmp_path / 'train.py'
    program.write_text(LISTENING.format(notice=f'\n{NOTICE}\n'.encode(), seconds=8))
    run = subprocess.Popen([sys.executable, '-c', PARENT.format(program=str(program))], text=True,
                           stdout=subprocess.PIPE, start_new_session=True)
    try:
        while not (tmp_path / 'begun').exists():
            assert run.poll() is None
            time.sleep(0.05)
        getattr(os, tell)(run.pid, number)
        out, _ = run.communicate(timeout=120)
        assert out.endswith('Interrupted.\n') and (tmp_path / 'saved').exists()
        assert 'its last words' in (tmp_path / 'run' / 'train.log').read_text()
    finally:
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_a_training_that_hears_nothing_is_ended_by_the_third_signal(monkeypatch):
    """And is told of each of the first two once, by the terminal or from here."""
    told = []
    process = SimpleNamespace(send_signal=told.append, kill=lambda: told.append('kill'))
    monkeypatch.setattr(child_training, 'TOLD_AS_WELL', 0.05)
    with child_training._kills_passed_on(process, 'Stage I') as (kills, heard):
        signal.raise_signal(signal.SIGINT)
        heard()  # of the terminal
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.3)
        assert told == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
    assert told == [signal.SIGINT, 'kill'] and len(kills) == 3


@pytest.mark.parametrize('pressed, end', [(False, BrokenPipeError), (True, KeyboardInterrupt)],
                         ids=['head', 'Ctrl-C with tee'])
def test_no_training_goes_on_where_nobody_reads(tmp_path, monkeypatch, pressed, end):
    """It is told once, or a second signal would end it before it has saved."""
    def leave(*arguments, **options):
        if pressed:
            os.kill(os.getpid(), signal.SIGINT)
        raise BrokenPipeError

    program = tmp_path / 'train.py'
    program.write_text(LISTENING.format(notice=f'\n{NOTICE}\n'.encode(), seconds=1))
    monkeypatch.setattr(child_training, 'TRAIN', program)
    monkeypatch.setattr(child_training, 'TOLD_AS_WELL', 0.2)
    monkeypatch.setattr(child_training, 'print', leave, raising=False)
    with pytest.raises(end):
        child_training.train('config.py', tmp_path / 'run', {}, title='Stage I')
    assert (tmp_path / 'saved').exists()
