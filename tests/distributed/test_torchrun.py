"""tools/torchrun.sh: a job ends when one of its processes dies, on one machine and on two."""
import os
import socket
import subprocess
import sys
import time

import pytest

from support.shrink import REPO

# Rank 1 is killed; the others are in a collective, which is where training spends its time, or
# ("busy") far from any.
WORKER = '''
import os, signal, sys, time
import torch, torch.distributed as dist
dist.init_process_group('gloo')
dist.barrier()
if dist.get_rank() == 1:
    print(f'together {dist.get_world_size()}', flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
while True:
    time.sleep(100) if sys.argv[1] == 'busy' else dist.all_reduce(torch.zeros(1))
'''


class Job:
    """``run_distributed``, with its output in a file: reading a pipe by lines reads ahead."""

    def __init__(self, script, processes, how, **environment):
        command = f'source tools/torchrun.sh; run_distributed {processes} {script} {how}'
        clean = {name: value for name, value in os.environ.items()
                 if name not in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'PORT')}
        self.log = script.with_name(f'{environment.get("NODE_RANK", 0)}.log')
        with open(self.log, 'w') as output:
            self.process = subprocess.Popen(
                ['bash', '-c', command], cwd=REPO, stdout=output, stderr=subprocess.STDOUT,
                env=dict(clean, PYTHON=sys.executable, **environment))

    def wait_until_together(self):
        while 'together 2' not in self.log.read_text():
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
    begun = time.monotonic()
    assert job.process.wait(120) != 0
    assert time.monotonic() - begun < 60
    assert 'Signal 9' in job.log.read_text(), 'the log names the cause'


def test_both_machines_notice(script):
    """Two nodes of one process each."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = str(probe.getsockname()[1])
    nodes = dict(NNODES='2', PORT=port, MASTER_ADDR='127.0.0.1')
    jobs = [Job(script, 1, 'training', NODE_RANK=str(rank), **nodes) for rank in range(2)]
    jobs[1].wait_until_together()
    begun = time.monotonic()
    codes = [job.process.wait(120) for job in jobs]
    assert all(codes), codes
    assert time.monotonic() - begun < 60
