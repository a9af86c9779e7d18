"""tools/torchrun.sh and .py: how a job ends when one of its processes does, or at a signal."""
import builtins
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from support.shrink import REPO

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
# Rank 1 is killed, ends with a status, or goes on; the other is in a collective ("training"), where
# a training spends its time, or far from any.
WORKER = '''
import os, signal, sys, time
import torch, torch.distributed as dist
dist.init_process_group('gloo')
dist.barrier()
if dist.get_rank() == 1:
    print(f'together {dist.get_world_size()}', flush=True)
    if sys.argv[1].isdigit():
        sys.exit(int(sys.argv[1]))
    if sys.argv[1] != 'on':
        os.kill(os.getpid(), signal.SIGKILL)
while True:
    time.sleep(100) if sys.argv[1] != 'training' else dist.all_reduce(torch.zeros(1))
'''

# Takes a second to save, if nobody tells it again.
SAVES = '''
import os, signal, time
told = []

def hear(number, frame):
    told.append(number)
    if len(told) > 1:
        os._exit(1)

signal.signal(signal.SIGTERM, hear)
print('together 2', flush=True)
while not told:
    time.sleep(0.01)
end = time.monotonic() + 1
while time.monotonic() < end:
    time.sleep(0.01)
print('saved', flush=True)
'''

TOOL = runpy.run_path(str(REPO / 'tools' / 'torchrun.py'))


@pytest.mark.parametrize('codes, rank', [
    ({0: -15, 1: -9}, 1), ({0: 1, 1: -11, 2: -9}, 1),  # the others notice, or are sent SIGTERM
    ({0: -15, 1: 7}, 1), ({0: -15}, 0)])
def test_the_process_that_failed_first(codes, rank):
    failures = {rank: SimpleNamespace(exitcode=code) for rank, code in codes.items()}
    # torchrun takes the time at which it noticed; here, of the last one.
    error = SimpleNamespace(failures=failures, get_first_failure=lambda: list(
        failures.items())[-1])
    assert TOOL['cause'](error) == (rank, failures[rank])


@pytest.mark.parametrize('code, said', [
    (-signal.SIGKILL, r'was killed \(SIGKILL\), perhaps because the memory was full: set'),
    (-signal.SIGSEGV, 'was ended by SIGSEGV; what'), (7, 'ended with status 7; what')])
def test_how_a_process_ended(code, said):
    failure = SimpleNamespace(exitcode=code, signal_name=lambda: signal.Signals(-code).name)
    assert re.match(said, TOOL['end_of'](failure))


def test_ctrl_c_while_it_imports(monkeypatch, capsys):
    def pressed(name, *rest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(builtins, '__import__', pressed)
        status = TOOL['main']()
    assert status == 130 and capsys.readouterr().err == '\nInterrupted.\n'


class Job:
    """``run_distributed``, with its output in a file: reading a pipe by lines reads ahead."""

    def __init__(self, script, processes, how, before='', **environment):
        command = f'{before}source tools/torchrun.sh; run_distributed {processes} {script} {how}'
        clean = {name: value for name, value in os.environ.items()
                 if name not in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'PORT')}
        self.log = script.with_name(f'{environment.get("NODE_RANK", 0)}.log')
        with open(self.log, 'w') as output:
            self.process = subprocess.Popen(
                ['bash', '-c', command], cwd=REPO, stdout=output, stderr=subprocess.STDOUT,
                env=dict(clean, PYTHON=sys.executable, **environment))

    def wait_until_together(self, said=1):
        """Until that many processes have said so."""
        while self.log.read_text().count('together 2') < said:
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture()
def script(tmp_path):
    path = tmp_path / 'worker.py'
    path.write_text(WORKER)
    return path


def test_a_busy_process_is_ended_too(script):
    job = Job(script, 2, 'busy')
    job.wait_until_together()
    assert job.process.wait(60) == 128 + signal.SIGKILL
    assert 'error: process 1 of this run was killed (SIGKILL), perhaps' in job.log.read_text()


@pytest.mark.parametrize('status, said', [
    (2, ''), (130, ''),  # the process has said it itself
    (7, 'error: process 1 of this run ended with status 7; what it said stands above\n')])
def test_a_process_that_ends_by_itself(script, status, said):
    job = Job(script, 2, status)
    assert job.process.wait(120) == status
    assert job.log.read_text().partition('together 2\n')[2] == said


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_a_job_that_is_told_to_end(script, name):
    job = Job(script, 2, 'on')
    job.wait_until_together()
    job.process.send_signal(getattr(signal, name))
    assert job.process.wait(120) == 128 + getattr(signal, name)
    assert 'SignalException' not in job.log.read_text(), 'the end of a run that was told to end'


def test_a_closed_terminal_is_one_sigterm(script):
    """Of the second SIGHUP, which a shell sends, the processes that save hear nothing."""
    script.write_text(SAVES)
    job = Job(script, 2, 'on')
    job.wait_until_together(said=2)  # each from when it can hear
    for _ in range(3):
        job.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    assert job.process.wait(120) == 128 + signal.SIGTERM
    assert job.log.read_text().count('saved') == 2


def test_nohup_outlives_its_terminal(script):
    job = Job(script, 2, 'on', before="trap '' HUP; ")
    job.wait_until_together()
    job.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        job.process.wait(3)
    job.process.terminate()
    assert job.process.wait(120) == 128 + signal.SIGTERM


def test_both_machines_notice(script):
    """Two nodes of one process each."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = str(probe.getsockname()[1])
    nodes = dict(NNODES='2', PORT=port, MASTER_ADDR='127.0.0.1')
    jobs = [Job(script, 1, 'training', NODE_RANK=str(rank), **nodes) for rank in range(2)]
    jobs[1].wait_until_together()
    codes = [job.process.wait(60) for job in jobs]
    assert all(codes), codes
