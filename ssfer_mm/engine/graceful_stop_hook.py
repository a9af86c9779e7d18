"""Ctrl-C loses nothing: the iteration is finished and saved before the run ends."""
import contextlib
import os
import signal
import threading
from typing import Iterator, Optional

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .checkpoint_hook import SafeCheckpointHook, can_resume_inside_epochs

NOTICE = b'\nStopping: this iteration is finished and saved first. Once more to stop at once.\n'


@HOOKS.register_module()
class GracefulStopHook(Hook):
    """At Ctrl-C or SIGTERM finish the iteration, write a checkpoint, and end the run.

    A second signal ends it at once, as does the first one between two iterations, for example in
    a validation. Runs of several processes are left alone: they would have to agree on the
    iteration to stop at.
    """

    priority = 'LOWEST'  # after everything that an iteration consists of

    def __init__(self) -> None:
        self._inside = self._asked = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Mind the signals inside; those that this process ignores or handles stay as they are."""
        alone = get_world_size() == 1
        defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        mine = [number for number, default in defaults.items()
                if alone and threading.current_thread() is threading.main_thread()
                and signal.getsignal(number) == default]
        for number in mine:
            signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number in mine:
                signal.signal(number, defaults[number])

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """From here on weights, averages and counters may not fit each other."""
        self._inside = True

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Save and end, where a run can be resumed here; else go on until it can."""
        self._inside = self._asked
        if not self._asked or batch_idx + 1 == len(runner.train_loop.dataloader):
            return
        saver = _saver(runner)
        if saver is None or not can_resume_inside_epochs(runner):
            raise KeyboardInterrupt
        if runner.optim_wrapper.should_update():  # gradients being accumulated are not saved
            saver.save_after_iter(runner)
            raise KeyboardInterrupt

    def after_train_epoch(self, runner) -> None:
        """The same where an epoch ends."""
        if self._asked:
            saver = _saver(runner)
            if saver is not None:
                saver.save_after_epoch(runner)
            raise KeyboardInterrupt

    def _hear(self, number: int, frame: object) -> None:
        if self._asked or not self._inside:
            raise KeyboardInterrupt
        self._asked = True
        os.write(2, NOTICE)  # print() must not be used in the middle of another print()


def _saver(runner) -> Optional[SafeCheckpointHook]:
    return next((hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook)), None)
