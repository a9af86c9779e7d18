"""Time left, when iterations of two kinds are still to come."""
from collections import defaultdict
from typing import Dict

from mmengine.hooks import IterTimerHook
from mmpretrain.registry import HOOKS

from .two_stage_loop import Stage


@HOOKS.register_module()
class StageTimerHook(IterTimerHook):
    """mmengine's timer with an ETA that knows the stages.

    The mean time of an iteration is taken per stage. For a stage that has not begun it is guessed
    from the current one, in proportion to the images that a batch puts through a network.
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        super().__init__()
        self._seconds: Dict[str, float] = defaultdict(float)
        self._iters: Dict[str, int] = defaultdict(int)

    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='train') -> None:
        super()._after_iter(runner, batch_idx, data_batch, outputs, mode)
        if mode != 'train' or not hasattr(runner.train_loop, 'stages'):
            return
        stage = runner.train_loop.stage
        self._seconds[stage.name] += runner.message_hub.get_scalar('train/time').current()
        self._iters[stage.name] += 1
        runner.message_hub.update_info('eta', self._seconds_left(runner, stage))

    def _seconds_left(self, runner, current: Stage) -> float:
        mean = self._seconds[current.name] / self._iters[current.name]
        left = mean * (current.end_iter - runner.iter - 1)
        for stage in runner.train_loop.stages:
            if stage.begin_iter >= current.end_iter:
                guess = mean * images_per_iteration(stage) / images_per_iteration(current)
                left += guess * (stage.end_iter - stage.begin_iter)
        return left


def images_per_iteration(stage: Stage) -> int:
    """Images that pass a network: mixed and real in stage II, weak and strong in stage III."""
    return 2 * stage.labeled if stage.unlabeled == 0 else stage.labeled + 2 * stage.unlabeled
