"""One process, or one of several? Only a launcher on the command line makes it one of several."""
import subprocess
import sys

import pytest

from ssfer_mm.runtime.launched import NAMES, Place, this_place
from support.processes import together
from support.shrink import REPO


@pytest.fixture(autouse=True)
def nothing_is_said(monkeypatch):
    for names in NAMES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py'])


@pytest.mark.parametrize('launcher', NAMES)
def test_without_a_launcher_it_is_alone_whatever_the_environment_says(monkeypatch, launcher):
    """A pod of Kubeflow, a shell inside an allocation of Slurm, torchrun without --launcher."""
    for name in NAMES[launcher]:
        monkeypatch.setenv(name, '3')
    assert this_place() == Place('none', 0, 1, 0)
    assert this_place().is_first and not this_place().is_launched


@pytest.mark.parametrize('launcher', NAMES)
def test_a_launcher_numbers_the_processes_in_words_of_its_own(monkeypatch, launcher):
    """Slurm and MPI set no RANK before mmengine does."""
    for name, number in zip(NAMES[launcher], '582'):
        monkeypatch.setenv(name, number)
    monkeypatch.setattr(sys, 'argv', [*sys.argv, '--launcher', launcher])
    place = this_place()
    assert place == this_place(launcher) == Place(launcher, rank=5, processes=8, local_rank=2)
    assert place.is_launched and not place.is_first


@pytest.mark.parametrize('arguments, launcher', [
    (['--launcher=slurm'], 'slurm'), (['--launch', 'mpi'], 'mpi'), (['--lau=mpi'], 'mpi'),
    (['--launcher', 'pytorch', '--launcher', 'none'], 'none'), (['--launcher', 'none'], 'none'),
    (['--cfg-options', 'launcher=pytorch'], 'none'), (['--labels', 'pytorch'], 'none'),
    (['--launcher'], 'none'), (['--l', 'own option'], 'none'),  # of other tools
    (['--local_rank', '1', '--launcher', 'pytorch', '--resume'], 'pytorch')])
def test_the_command_line_is_read_as_the_tools_read_it(monkeypatch, arguments, launcher):
    monkeypatch.setattr(sys, 'argv', [*sys.argv, *arguments])
    assert this_place().launcher == launcher


def test_what_a_launcher_left_unsaid_is_no_traceback(monkeypatch):
    """The training itself says what is missing."""
    assert this_place('slurm') == Place('slurm', 0, 1, 0)
    monkeypatch.setenv('RANK', '')
    monkeypatch.setenv('WORLD_SIZE', 'two')
    assert this_place('pytorch') == Place('pytorch', 0, 1, 0)


def rank_and_number():
    sys.argv = ['my_script.py']
    return this_place()[1:3], this_place().is_launched


def test_a_group_that_is_joined_knows_best(tmp_path):
    """As where a program of one's own trains, with a launcher that stands in its config."""
    assert together(2, rank_and_number, tmp_path) == [((0, 2), True), ((1, 2), True)]


def test_nothing_large_is_imported_for_it():
    code = ('import sys; sys.path.insert(0, "."); from ssfer_cli import prepare_packages\n'
            'prepare_packages(); import ssfer_mm.runtime.launched\n'
            'print([name for name in ("torch", "mmengine", "numpy") if name in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert done.stdout == '[]\n', done.stderr
