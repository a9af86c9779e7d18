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
print('together', dist.get_world_size(), flush=True)
if dist.get_rank() == 1:
    os.kill(os.getpid(), signal.SIGKILL)
while True:
    time.sleep(100) if sys.argv[1] == 'busy' else dist.all_reduce(torch.zeros(1))
'''


def start(script, processes, how, **environment):
    command = f'source tools/torchrun.sh; run_distributed {processes} {script} {how}'
    clean = {name: value for name, value in os.environ.items()
             if name not in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'PORT')}
    return subprocess.Popen(['bash', '-c', command], cwd=REPO, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT,
                            env=dict(clean, PYTHON=sys.executable, **environment))


@pytest.fixture()
def script(tmp_path):
    path = tmp_path / 'worker.py'
    path.write_text(WORKER)
    return path


def end(job, limit):
    output, _ = job.communicate(timeout=limit)
    return job.returncode, output


def test_a_busy_process_is_ended_too(script):
    job = start(script, 2, 'busy')
    for line in job.stdout:
        if 'together 2' in line:
            break
    begun = time.monotonic()
    code, output = end(job, 120)
    assert code not in (0, None), output
    assert time.monotonic() - begun < 60
    assert 'Signal 9' in output, 'the log names the cause'


def test_both_machines_notice(script):
    """Two nodes of one process each."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = str(probe.getsockname()[1])
    nodes = dict(NNODES='2', PORT=port, MASTER_ADDR='127.0.0.1')
    jobs = [start(script, 1, 'training', NODE_RANK=str(rank), **nodes) for rank in range(2)]
    for line in jobs[0].stdout:
        if 'together 2' in line:
            break
    begun = time.monotonic()
    codes = [end(job, 120)[0] for job in jobs]
    assert all(codes), codes
    assert time.monotonic() - begun < 60
