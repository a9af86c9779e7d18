"""Who hears SIGTERM and SIGHUP, and that a terminal which is gone disturbs nobody."""
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

from ssfer_mm.runtime.signals import KILLS, TERMINAL, heard_by, kill_as_interrupt

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
ALL = {*TERMINAL, *KILLS}
# Prints at a signal, and then says into a file how that went.
PRINTS = """
import signal, sys, time
from pathlib import Path
from ssfer_mm.runtime.signals import kill_as_interrupt
try:
    with kill_as_interrupt():
        Path(sys.argv[1]).touch()
        time.sleep(60)
except KeyboardInterrupt:
    for stream in (sys.stdout, sys.stderr):
        print('stopping, all is saved first', file=stream, flush=True)
    Path(sys.argv[1]).write_text('saved')
"""


@pytest.mark.parametrize('number', KILLS)
def test_a_kill_is_an_interrupt_inside(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), kill_as_interrupt():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize('first', KILLS)
def test_a_hang_up_on_top_is_no_second_wish(first):
    heard = []
    with heard_by(heard.append, KILLS):
        for number in (first, signal.SIGHUP, signal.SIGTERM):
            signal.raise_signal(number)
    assert heard == [first, signal.SIGTERM]


def test_what_nohup_has_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with kill_as_interrupt():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_stay_as_they_are_in_other_threads():
    def elsewhere():
        with heard_by(print, ALL):
            during.append({number: signal.getsignal(number) for number in ALL})

    during, before = [], {number: signal.getsignal(number) for number in ALL}
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(60)
    assert during == [before]


def test_a_closed_terminal_cannot_break_what_is_printed_on_the_way_out(tmp_path):
    """The system sends SIGHUP to the process in front, and every print is an error from then on."""
    ours, terminal = pty.openpty()
    done = tmp_path / 'done'
    # A session of its own whose terminal this is: what it opens first becomes it.
    become = ('import os, sys; os.setsid(); os.close(os.open(sys.argv[1], os.O_RDWR)); '
              'os.execv(sys.executable, [sys.executable, "-c", *sys.argv[2:]])')
    process = subprocess.Popen(
        [sys.executable, '-c', become, os.ttyname(terminal), PRINTS, str(done)],
        stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    while not done.exists():
        assert process.poll() is None
    os.close(ours)
    assert process.wait(60) == 0 and done.read_text() == 'saved'
