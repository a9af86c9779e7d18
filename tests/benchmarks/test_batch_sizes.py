"""The benchmark of batches of ever other sizes runs, and reads this process's memory."""
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch):
    path = REPO / 'benchmarks' / 'batch_sizes.py'
    spec = importlib.util.spec_from_file_location('batch_sizes', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # The allocator and oneDNN are set for the whole process, which here is that of all tests.
    monkeypatch.setattr(module, 'keep_freed_memory', lambda: None)
    monkeypatch.setattr(module, 'keep_few_convolutions', lambda: None)
    monkeypatch.setattr(module, 'SIDE', 16)
    return module


@pytest.mark.parametrize('options, number, step', [(['--any-size'], 11, 1), ([], 4, 8)])
def test_a_line_every_ten_steps(script, monkeypatch, capsys, options, number, step):
    """Batches of any size, or of multiples of 8 images, a thirty-second of all."""
    sizes, real = [], script.faces
    monkeypatch.setattr(script, 'faces', lambda count: sizes.append(count) or real(min(count, 4)))
    monkeypatch.setattr(script.F, 'cross_entropy', lambda scores, labels: scores.sum())
    monkeypatch.setenv(script.USERS_CHOICE[0], 'before')
    monkeypatch.setattr(sys, 'argv', ['batch_sizes.py', '--steps', '20', '--keep', '7', *options,
                                      '--config',
                                      str(REPO / 'configs/ssfer/synthfer_5pct_resnet-nano.py')])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert [re.match(r'(\d+) steps, \d+ s: [\d,]+ MB$', line)[1] for line in lines] == ['10', '20']
    assert script.os.environ[script.USERS_CHOICE[0]] == '7'
    assert set(sizes[1::2]) == {224} and len(set(sizes[::2])) >= number
    assert all(122 <= count <= 232 and count % step == 0 for count in sizes[::2])


def test_memory_is_that_of_this_process():
    """In a process of its own: that of all tests may hold freed memory enough for the tensor."""
    code = ('import torch, batch_sizes\nbefore = batch_sizes.resident()\n'
            'kept = torch.ones(25_000_000)\nprint(batch_sizes.resident() - before)')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO / 'benchmarks', check=True,
                          stdout=subprocess.PIPE, text=True)
    assert 90 < float(done.stdout) < 130
