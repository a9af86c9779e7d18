"""What a run notes of its stages, and of which epoch the figures are."""
from types import SimpleNamespace

import numpy as np
import torch

from ssfer_mm.apis.training.report import read_report
from ssfer_mm.engine.stage_report_hook import StageReportHook


def runner_of(work_dir, epoch):
    infos, stage = {}, SimpleNamespace(name='semi', iters_per_epoch=3)
    loop = SimpleNamespace(stage=stage, stages=[stage], stage_at=lambda epoch: stage, epoch=epoch)
    return SimpleNamespace(work_dir=str(work_dir), train_loop=loop, message_hub=SimpleNamespace(
        get_info=infos.get, update_info=infos.__setitem__))


def test_a_run_that_trained_on_after_its_validation_is_not_evaluated(tmp_path):
    """Stopped in the next validation, it still has the figures of the one before."""
    runner = runner_of(tmp_path, epoch=0)
    hook, seen = StageReportHook(), []
    for accuracy in (50., 40.):
        hook.before_train_epoch(runner)
        hook.after_train_epoch(runner)
        runner.train_loop.epoch += 1
        seen.append(read_report(tmp_path).is_evaluated)
        hook.after_val_epoch(runner, dict(accuracy=accuracy))
        seen.append(read_report(tmp_path).is_evaluated)
    assert seen == [False, True, False, True]
    assert read_report(tmp_path).stages['semi']['metrics'] == dict(accuracy=40.)


def test_figures_of_other_metrics_may_be_tensors(tmp_path):
    """mmpretrain's ConfusionMatrix gives one."""
    runner = runner_of(tmp_path, epoch=1)
    hook = StageReportHook()
    hook.before_train_epoch(runner)
    hook.after_train_epoch(runner)
    hook.after_val_epoch(runner, dict(
        accuracy=torch.tensor(50.), recall=np.float32(25),
        **{'confusion_matrix/result': torch.tensor([[1, 2], [3, 4]])}))
    entry = read_report(tmp_path).stages['semi']
    assert entry['metrics'] == dict(accuracy=50., recall=25.)
    assert entry['confusion_matrix/result'] == [[1, 2], [3, 4]]
