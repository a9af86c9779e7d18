"""One small file with what each stage reached and how long it took."""
import json
import os.path as osp
import time
from typing import Dict, Optional

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.evaluation import plain_figure
from ssfer_mm.files.atomic import write_json


@HOOKS.register_module()
class StageReportHook(Hook):
    """Write ``stages.json``: per stage its epochs, iterations, training seconds and last metrics.

    Figures that are no single number, such as a confusion matrix, stand beside ``metrics``.

    The figures live in the runner's message hub too, so they survive a resume; the seconds of an
    epoch that a checkpoint lies in, in the checkpoint.
    """

    priority = 'LOW'

    def __init__(self, filename: str = 'stages.json') -> None:
        self.filename = filename
        self._epoch_began: Optional[float] = None
        self._before_resume = 0.0

    def before_train_epoch(self, runner) -> None:
        """Start the clock."""
        self._epoch_began = time.monotonic()

    def after_train_epoch(self, runner) -> None:
        """Add this epoch's seconds to its stage."""
        stage, report = runner.train_loop.stage, self._report(runner)
        entry = report.setdefault(stage.name, dict(epochs=0, iterations=0, seconds=0.0))
        entry['epochs'] += 1
        entry['iterations'] += stage.iters_per_epoch
        entry['seconds'] += self._seconds_of_epoch()
        self._epoch_began, self._before_resume = None, 0.0
        self._write(runner, report)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note what the current epoch has taken so far."""
        checkpoint['clock_of_epoch'] = dict(seconds=self._seconds_of_epoch())

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Go on from there."""
        if runner._resume:
            self._before_resume = checkpoint.get('clock_of_epoch', {}).get('seconds', 0.0)

    def after_val_epoch(self, runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Keep the newest metrics of the stage that the finished epoch belongs to."""
        loop = runner.train_loop
        if isinstance(loop, dict) or not hasattr(loop, 'stages') or loop.epoch == 0:
            return
        report = self._report(runner)
        entry = report.get(loop.stage_at(loop.epoch - 1).name)
        if entry is not None:
            # Stopped in a later validation, the run still has these: they are no result of it.
            entry['evaluated'] = entry['epochs']
            figures = {name: plain_figure(value) for name, value in (metrics or {}).items()}
            entry['metrics'] = {k: float(v) for k, v in figures.items() if _is_number(v)}
            entry.update({k: v for k, v in figures.items() if not _is_number(v)})
            self._write(runner, report)

    def _seconds_of_epoch(self) -> float:
        now = 0.0 if self._epoch_began is None else time.monotonic() - self._epoch_began
        return self._before_resume + now

    def _report(self, runner) -> dict:
        return json.loads(runner.message_hub.get_info('stage_report', '{}'))

    @master_only
    def _write(self, runner, report: dict) -> None:
        runner.message_hub.update_info('stage_report', json.dumps(report))
        write_json(osp.join(runner.work_dir, self.filename), report, sync=True)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))
