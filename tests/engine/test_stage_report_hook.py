"""What a run notes of its stages, and of which epoch the figures are."""
from types import SimpleNamespace

from ssfer_mm.apis.training.report import read_report
from ssfer_mm.engine.stage_report_hook import StageReportHook


def test_a_run_that_trained_on_after_its_validation_is_not_evaluated(tmp_path):
    """Stopped in the next validation, it still has the figures of the one before."""
    infos, stage = {}, SimpleNamespace(name='semi', iters_per_epoch=3)
    loop = SimpleNamespace(stage=stage, stages=[stage], stage_at=lambda epoch: stage, epoch=0)
    runner = SimpleNamespace(work_dir=str(tmp_path), train_loop=loop, message_hub=SimpleNamespace(
        get_info=infos.get, update_info=infos.__setitem__))
    hook, seen = StageReportHook(), []
    for accuracy in (50., 40.):
        hook.before_train_epoch(runner)
        hook.after_train_epoch(runner)
        loop.epoch += 1
        seen.append(read_report(tmp_path).is_evaluated)
        hook.after_val_epoch(runner, dict(accuracy=accuracy))
        seen.append(read_report(tmp_path).is_evaluated)
    assert seen == [False, True, False, True]
    assert read_report(tmp_path).stages['semi']['metrics'] == dict(accuracy=40.)
