"""Freed memory stays in the process: touching it again costs no page faults."""
import os
import subprocess
import sys

import pytest

from ssfer_mm import runtime
from ssfer_mm.runtime.freed_memory import USERS_CHOICE

# Eight arrays of 8 MiB at a time, as activations are: all are freed before the next round.
PROGRAM = '''
import resource, sys
import numpy as np
sys.path.insert(0, sys.argv[2])  # the module alone: importing the package takes seconds
from freed_memory import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == 'keep' else None
def step():
    arrays = [np.ones(1 << 20) for _ in range(8)]
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
'''

pytestmark = pytest.mark.skipif(not sys.platform.startswith('linux'), reason='glibc only')


def page_faults(keep, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in USERS_CHOICE}
    run = subprocess.run(
        [sys.executable, '-c', PROGRAM, keep, os.path.dirname(runtime.__file__)],
        env={**clean, **environment}, check=True, capture_output=True, text=True)
    kept, faults = run.stdout.split()
    return kept == 'True', int(faults)


def test_a_step_finds_the_memory_of_the_last_one():
    kept, faults = page_faults('keep')
    assert kept
    # 64 MiB are 16,384 pages of 4 KiB, five times over; larger pages make fewer of both.
    assert faults * 20 < page_faults('leave')[1]


@pytest.mark.parametrize('name', USERS_CHOICE)
def test_what_the_user_chose_stays(name):
    value = 'glibc.malloc.arena_max=4' if name == 'GLIBC_TUNABLES' else '131072'
    assert not page_faults('keep', **{name: value})[0]
