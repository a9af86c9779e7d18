"""tools/soak.py: short runs of every stage, a leak that it must find, and its refusals."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm import UserError
from ssfer_mm.apis import load_config
from ssfer_mm.apis.trials import soak as soak_module
from ssfer_mm.apis.trials.soak import main
from ssfer_mm.profiling import process_memory
from ssfer_mm.profiling.process_memory import own_memory
from support.shrink import REPO, shrink, write

STAGE_I = 'mae/mae_vit-micro-p8_synthfer-48px.py'
STAGES_II_III = 'ssfer/synthfer_5pct_vit-micro.py'
MIB = 2**20


@HOOKS.register_module()
class Hoarder(Hook):
    """Keeps 4 MiB of every iteration."""

    def before_train(self, runner):
        self.kept = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.kept.append(bytearray(os.urandom(MIB)) * 4)


@pytest.fixture()
def config(tmp_path):
    def make(name):
        cfg = shrink(load_config(REPO / 'configs' / name), tmp_path / 'run',
                     {'data/synthfer': tmp_path / 'synthfer'})
        cfg.train_dataloader.num_workers = 1
        return write(cfg, tmp_path / 'config.py')
    return make


def test_thirty_iterations_with_a_worker(config, tmp_path, capsys):
    """A tolerance that no warm-up of so short a run exceeds: the figures are what counts here."""
    file = tmp_path / 'figures' / 'soak.json'
    assert main([config(STAGES_II_III), '--stage', 'semi', '--iterations', '30', '--tolerance',
                 '50', '--json', str(file), '--work-dir', str(tmp_path / 'soak')]) == 0
    said = capsys.readouterr().out
    assert '30 of 30: main ' in said and 'Flat: nothing grew by more than 50 %' in said
    assert (tmp_path / 'soak' / 'memory.png').read_bytes().startswith(b'\x89PNG')
    found = json.loads(file.read_text())
    assert found['stage'] == 'semi' and found['flat'] and found['warm_up'] == 8
    assert list(found['processes'])[:2] == ['main', 'worker 1']
    for name in ('main', 'worker 1'):
        process = found['processes'][name]
        assert process['iterations'] == list(range(1, 31)) and min(process['mib']) > 10
        assert process['verdict']['first'] == 8 and process['verdict']['last'] == 30


def test_the_config_that_a_run_of_several_processes_left_runs_in_one():
    cfg = load_config(REPO / 'configs' / STAGES_II_III)
    cfg.launcher = 'pytorch'
    soak_module._prepare(cfg, 30)
    assert cfg.launcher == 'none'


def test_a_leak_fails(config, tmp_path, capsys):
    path = Path(config(STAGE_I))
    path.write_text(path.read_text() + "\ncustom_hooks = [dict(type='Hoarder')]\n")
    assert main([str(path), '--iterations', '20', '--work-dir', str(tmp_path / 'soak')]) == 1
    assert 'NOT flat: main' in capsys.readouterr().out


def test_a_training_without_our_loop(config, tmp_path):
    assert main([config(STAGE_I), '--iterations', '20', '--tolerance', '500', '--work-dir',
                 str(tmp_path / 'soak'), '--cfg-options',
                 'train_cfg.type=EpochBasedTrainLoop']) == 0


def test_refusals(config, tmp_path, capsys):
    for arguments, message in [
            ([], 'error: no --stage was given: .* trains supervised and semi'),
            (['--stage', 'pretrain'], 'error: --stage pretrain: .*Give --stage supervised'),
            (['--stage', 'semi', '--iterations', '3'], 'expected at least 10'),
            (['--stage', 'semi', '--iterations', '10', '--cfg-options',
              'train_cfg.semi.unlabeled=1'], 'two passes over the data have .* Give --iterations'),
    ]:
        assert main([config(STAGES_II_III), '--work-dir', str(tmp_path), *arguments]) == 2
        assert re.search(message, capsys.readouterr().err), message


def test_a_run_is_not_trained_over(config, tmp_path, capsys, monkeypatch):
    """Its checkpoints would be replaced, and deleted by the list that lies beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(soak_module, 'build_runner', lambda cfg: pytest.fail('too late'))
    run = tmp_path / 'run'
    run.mkdir()
    (run / 'epoch_3.pth').write_text('precious')
    command = [config(STAGE_I), '--iterations', '20']
    assert main([*command, '--work-dir', str(run)]) == 2
    assert re.search('error: .*run holds a run, .* is epoch_3.pth. Give this one another '
                     '--work-dir, or leave it out', capsys.readouterr().err)
    default = tmp_path / 'work_dirs' / 'soak_config_pretrain'
    run.rename(default.parent.mkdir() or default)
    with pytest.raises(pytest.fail.Exception):
        main(command)
    assert (default.with_name('soak_config_pretrain.old1') / 'epoch_3.pth').read_text() == (
        'precious')


# A process that does nothing else: in the one of the tests, memory that is shared with workers of
# other tests becomes its own when they end.
KEEPER = '''
import os
print('ready', flush=True)
input()
block = bytearray(os.urandom(2**20)) * 64
print('kept', flush=True)
input()
'''


def test_memory_of_a_process_is_its_own():
    child = subprocess.Popen([sys.executable, '-c', KEEPER], text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == 'ready\n'
        before = own_memory(child.pid)
        child.stdin.write('go\n')
        child.stdin.flush()
        assert child.stdout.readline() == 'kept\n'
        assert own_memory(child.pid) - before == pytest.approx(64, abs=4)
        assert 0 < before < 64
    finally:
        child.kill()
        child.communicate()
    assert own_memory(child.pid) is None


def test_a_system_without_proc(monkeypatch, tmp_path):
    class NoProc(type(tmp_path)):
        def read_text(self, *_):
            raise FileNotFoundError(2, 'No such file or directory')

        def is_file(self):
            return False

    monkeypatch.setattr(process_memory, 'Path', NoProc)
    with pytest.raises(UserError, match='only Linux 5.4 and later'):
        own_memory(os.getpid())
