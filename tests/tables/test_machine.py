"""What is noted of a machine, and how much it can do at a time."""
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from ssfer_mm.tables import machine


@pytest.mark.parametrize('gpus, cores, gib, jobs', [
    (0, 4, 64, 4), (0, 4, 7.9, 3), (0, 4, 1, 1),  # 2 GiB for each
    (0, 4, None, 4),
    (4, 16, 2, 4)])
def test_trainings_at_a_time(monkeypatch, gpus, cores, gib, jobs):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    monkeypatch.setattr(machine, 'cores', lambda: cores)
    monkeypatch.setattr(machine, 'available_memory', lambda: gib and int(gib * 2**30))
    assert machine.default_jobs() == jobs


@pytest.mark.parametrize('chosen, count, gpus', [
    (None, 2, ['0', '1']), ('3, GPU-8f', 2, ['3', 'GPU-8f']), ('1,-1,0', 1, ['1']), ('', 0, [])])
def test_gpus_are_those_that_the_command_may_use(monkeypatch, chosen, count, gpus):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if chosen is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', chosen)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    assert machine.gpus() == gpus


def test_hardware_is_the_processor_or_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(machine, 'cores', lambda: 4)
    monkeypatch.setattr(Path, 'read_text', lambda path: 'x: 1\nmodel name\t: A: B\nmodel name: C')
    assert machine.hardware() == 'A: B, 4 cores'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda number: f'GPU {number}')
    assert machine.hardware() == 'GPU 0'


@pytest.fixture()
def copied(tmp_path, monkeypatch):
    """The file in a repository of its own, and git there."""
    def git(*arguments):
        return subprocess.run(['git', '-c', 'user.name=x', '-c', 'user.email=x', *arguments],
                              cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    place = tmp_path / 'ssfer_mm' / 'machine.py'
    place.parent.mkdir()
    shutil.copy(machine.__file__, place)
    monkeypatch.setattr(machine, '__file__', str(place))
    git('init', '-q')
    return git, place


def test_the_commit_is_marked_where_code_has_changed(copied, monkeypatch):
    git, place = copied
    git('add', '.')
    git('commit', '-qm', 'x')
    here = git('rev-parse', 'HEAD')[:10]
    # As in a container, where the code is another user's.
    monkeypatch.setenv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1')
    (place.parents[1] / 'notes.txt').touch()
    assert machine.commit() == here
    place.write_text('')
    assert machine.commit() == f'{here}+'


def test_the_commit_of_a_copy_is_what_its_owner_says(copied, monkeypatch):
    """Also in an environment inside of somebody's repository."""
    git, place = copied
    git('commit', '-qm', 'x', '--allow-empty')
    monkeypatch.delenv('SSFER_MM_COMMIT', raising=False)
    assert machine.commit() == ''
    monkeypatch.setenv('SSFER_MM_COMMIT', 'abc')
    assert machine.commit() == 'abc'
