"""One process meets a bad number, all of them end, and the one to blame is named."""
import math
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper

from ssfer_mm.engine import NumericsHook
from support.shrink import REPO

PROGRAM = """
import sys
import torch
from mmengine.registry import DefaultScope
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.apis.training.launch import build_runner
from support.runs import config
import support.spoil
torch.set_num_threads(1)
with DefaultScope.overwrite_default_scope('mmpretrain'):
    cfg = config(sys.argv[1], hooks=[dict(type='SpoilLossOfOne', at=1, rank=1)])
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != 'Recorder']
    cfg.launcher = 'pytorch'
    cfg.train_dataloader.batch_size = 2
    sys.exit(run_cli(lambda: build_runner(cfg).train()))
"""


@pytest.mark.slow
def test_a_bad_loss_in_one_process_ends_both(tmp_path):
    environment = dict(os.environ, PYTHONPATH=f'{REPO}:{REPO / "tests"}', OMP_NUM_THREADS='1',
                       CUDA_VISIBLE_DEVICES='', MASTER_ADDR='127.0.0.1', WORLD_SIZE='2',
                       MASTER_PORT=str(20000 + os.getpid() % 20000))
    processes = [subprocess.Popen(
        [sys.executable, '-c', PROGRAM, str(tmp_path)], text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env=dict(environment, RANK=str(rank), LOCAL_RANK=str(rank)))
        for rank in range(2)]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2], errors
    for error in errors:
        line = next(line for line in error.splitlines() if line.startswith('error: '))
        assert 'iteration 2: ' in line and 'loss nan' in line and 'on process 1' in line
        assert 'nonfinite_iter_2_rank1.pth' in line
    assert (tmp_path / 'nonfinite_iter_2_rank0.pth').is_file()


class FullySharded(torch.nn.Linear):
    """As one of several processes has it."""

    def state_dict(self, *args, **options):
        raise AssertionError('this would wait for the other processes, which go on')


def test_weights_that_need_all_processes_are_not_read_by_the_one_with_a_bad_gradient():
    model, hook = FullySharded(2, 2), NumericsHook()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.)
    runner = SimpleNamespace(model=model, optim_wrapper=OptimWrapper(optimizer), seed=0, rank=0,
                             iter=0)
    hook.before_train_iter(runner, 0)
    model.weight.grad = torch.full_like(model.weight, math.nan)
    optimizer.step()
    assert hook._weights is None and not math.isfinite(hook._norm), 'the step was watched'
