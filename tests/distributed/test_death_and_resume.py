"""A process that dies takes the others with it, and the run goes on as if nothing had happened."""
import errno
import sys
from pathlib import Path

import pytest

from ssfer_mm import UserError
from ssfer_mm.apis import run_cli, train
from ssfer_mm.apis.trials.compare_runs import compare_values
from ssfer_mm.engine import CheckpointFolder
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.processes import exit_codes, together
from support.world import calm, end_of, largest_difference, two_stages

EPOCHS, LAST = (1, 2), 'iter_9.pth'  # 3 iterations each
WORLD = 2


def small(work_dir, world=WORLD, **options):
    cfg = calm(two_stages(work_dir, world, epochs=EPOCHS, **options))
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', by_epoch=False)
    cfg.model.pseudo_label.threshold = 0.36
    return cfg


def continued(work_dir, checkpoint, world=WORLD, **options):
    return small(work_dir, world, resume=True, load_from=str(checkpoint), **options)


def checkpoint(folder, name=LAST):
    return load_checkpoint_safely(Path(folder) / name)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    together(WORLD, end_of, folder, small(folder / 'run'))
    return folder / 'run'


def test_a_killed_process_ends_the_others_and_the_run_resumes(tmp_path, whole):
    """Killed inside an epoch of stage III, one iteration after a checkpoint."""
    cfg = small(tmp_path / 'run')
    cfg.custom_hooks.append(dict(type='DieAt', rank=1, iteration=7))
    other, killed = exit_codes(WORLD, end_of, tmp_path / 'first', cfg, timeout=60)
    assert killed == -9
    assert other not in (0, None), 'the other one must not end well, nor wait'

    cfg = small(tmp_path / 'run', resume=True)
    together(WORLD, end_of, tmp_path / 'second', cfg)
    assert compare_values(checkpoint(tmp_path / 'run'), checkpoint(whole)) == []


def test_one_process_goes_on_with_what_two_began(tmp_path, whole):
    """The joint batch is the same, and so are the pseudo-labels that the log counts."""
    one, = together(1, end_of, tmp_path, continued(tmp_path / 'run', whole / 'iter_5.pth', world=1))
    two = checkpoint(whole)
    assert largest_difference(one, two['state_dict']) <= 1e-5
    hub = checkpoint(tmp_path / 'run')['message_hub']['log_scalars']
    expected = two['message_hub']['log_scalars']
    coverage = [name for name in expected if name.startswith('pseudo/')]
    assert coverage
    for name in coverage:
        assert hub[name].data[0] == pytest.approx(expected[name].data[0])


def test_another_joint_batch_is_refused(tmp_path, whole):
    """Schedules, stage switch and position are counted in iterations, which would differ."""
    with pytest.raises(UserError, match=r'counts \[3, 3\] iterations.*this run \[6, 3\]'):
        train(continued(tmp_path / 'run', whole / 'iter_5.pth', world=1, labeled=4))


def with_a_victim(work_dir):
    """Exit status of a run whose second process is killed at the third iteration."""
    cfg = small(work_dir)
    cfg.custom_hooks.append(dict(type='DieAt', rank=1, iteration=2))
    sys.exit(run_cli(lambda: train(cfg), resumable=True))


def test_the_other_process_says_so_in_one_line(tmp_path, capfd):
    """Not with a traceback of the connection, under which nobody finds out what to do."""
    assert exit_codes(WORLD, with_a_victim, tmp_path, tmp_path / 'run', timeout=60) == [1, -9]
    said = capfd.readouterr().err
    assert said.count('error: another process of this run has ended') == 1
    assert '--resume' in said and 'Traceback' not in said


def full_disk(work_dir):
    """Exit status of a run whose first process may write no checkpoint."""
    def refuse(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    CheckpointFolder.adopt = refuse  # in this process, which is a fork
    return run_cli(lambda: train(small(work_dir)))


def test_a_full_disk_ends_all_processes_with_one_line(tmp_path, capfd):
    """The second one would end with a traceback, of the connection to the first."""
    assert together(WORLD, full_disk, tmp_path, tmp_path / 'run', timeout=60) == [2, 2]
    said = capfd.readouterr().err
    assert said.count('iter_1.pth cannot be written') == 2 and 'Traceback' not in said
