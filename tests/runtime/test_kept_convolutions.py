"""oneDNN keeps few of the convolutions that it prepared for batches of other sizes."""
import os
import subprocess
import sys

import pytest

from ssfer_mm import runtime
from ssfer_mm.runtime.kept_convolutions import ENOUGH, USERS_CHOICE, keep_few_convolutions

# With ONEDNN_VERBOSE it tells what it prepares, and whether it had kept that: 20 sizes, then the
# last and the first of them again.
PROGRAM = '''
import sys
sys.path.insert(0, sys.argv[1])  # the module alone: importing the package takes seconds
import torch
import kept_convolutions
kept_convolutions.ENOUGH = int(sys.argv[2])
kept_convolutions.keep_few_convolutions()
layer = torch.nn.Conv2d(16, 16, 3)
for size in [*range(9, 29), 28, 9]:  # of the batch
    print(size, flush=True)
    with torch.no_grad():
        layer(torch.zeros(size, 16, 8, 8))
'''


@pytest.fixture()
def nobodys_choice(monkeypatch):
    for name in USERS_CHOICE:
        monkeypatch.delenv(name, raising=False)


def prepared_anew(enough):
    """Whether the last and the first size had to be prepared when they came again."""
    run = subprocess.run(
        [sys.executable, '-c', PROGRAM, os.path.dirname(runtime.__file__), str(enough)],
        env={**os.environ, 'ONEDNN_VERBOSE': 'profile_create'}, check=True, capture_output=True,
        text=True)
    again = run.stdout.split('\n28\n')[-1].split('\n9\n')
    if 'onednn' not in run.stdout:
        pytest.skip('PyTorch without oneDNN')
    return ['create:cache_miss' in part for part in again]


def test_the_oldest_are_forgotten(nobodys_choice):
    assert prepared_anew(8) == [False, True]
    assert prepared_anew(ENOUGH) == [False, False]


@pytest.mark.parametrize('name', USERS_CHOICE)
def test_what_the_user_chose_stays(nobodys_choice, monkeypatch, name):
    monkeypatch.setenv(name, '7')
    assert not keep_few_convolutions()
    assert [os.environ.get(other) for other in USERS_CHOICE if other != name] == [None]
