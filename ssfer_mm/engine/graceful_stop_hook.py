"""Ctrl-C loses nothing that can be saved: the iteration is finished before the run ends."""
import contextlib
import os
import signal
from typing import Optional

from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader

from ssfer_mm.runtime.signals import KILLS, NOTICE, heard_by

from .checkpoint_hook import SafeCheckpointHook, can_resume_inside_epochs
from .patient_workers import make_workers_patient
from .stop_vote import StopVote

SAVED = f'{NOTICE} and saved first. Once more to stop at once.'
LOST = (f'{NOTICE} first, but this run is saved between epochs only: what came since its last '
        'checkpoint is lost. Once more to stop at once.')


@HOOKS.register_module()
class GracefulStopHook(Hook):
    """At Ctrl-C, SIGTERM or SIGHUP finish the iteration, write a checkpoint, and end the run.

    Several processes, of which one or all hear the signal, finish the next iteration as well: they
    agree on it meanwhile. A validation is broken off, and the epoch before it saved; a run that is
    resumed there validates first. A second signal ends a process at once, as does the first one
    before the first epoch, where there is nothing to lose.

    A run without ``SafeCheckpointHook``, or with a loop or sampler that cannot go on inside an
    epoch, ends after the iteration without a checkpoint of it, and says so.
    """

    priority = 'LOWEST'  # after everything that an iteration consists of

    def __init__(self) -> None:
        self._begun = self._between = self._asked = self._saves = self._saves_here = False
        self._val_batches = 0  # that all processes have
        self._vote: Optional[StopVote] = None

    def listening(self) -> contextlib.AbstractContextManager[None]:
        """Mind the signals inside; those that this process ignores or handles stay as they are."""
        defaults = signal.SIG_DFL, signal.default_int_handler
        return heard_by(self._hear, [number for number in (signal.SIGINT, *KILLS)
                                     if signal.getsignal(number) in defaults])

    def before_train(self, runner) -> None:
        """Prepare what the run will need to come to an end."""
        for loop in (runner.train_loop, runner.val_loop):
            if isinstance(getattr(loop, 'dataloader', None), DataLoader):
                make_workers_patient(loop.dataloader)
        self._vote = StopVote() if get_world_size() > 1 else None

    def before_train_epoch(self, runner) -> None:
        """From here on weights, averages and counters may not fit each other.

        What was asked for as a validation ended is done after the next iteration, because a
        checkpoint between two epochs is one before the validation; or here, where a run cannot be
        resumed later on.
        """
        if self._between and not can_resume_inside_epochs(runner) and self._agreed_now():
            _save_finished_epoch(runner)
            raise KeyboardInterrupt
        self._begun, self._between = True, False
        self._saves = _saver(runner) is not None
        self._saves_here = self._saves and can_resume_inside_epochs(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Save and end, once nothing is being accumulated; where no checkpoint would help, end."""
        if not self._agreed() or batch_idx + 1 == len(runner.train_loop.dataloader):
            return
        if not self._saves_here:
            raise KeyboardInterrupt
        if runner.optim_wrapper.should_update():  # gradients being accumulated are not saved
            _saver(runner).save_after_iter(runner)
            raise KeyboardInterrupt

    def after_train_epoch(self, runner) -> None:
        """The same where an epoch ends."""
        if self._agreed_now():
            saver = _saver(runner)
            if saver is not None:
                saver.save_after_epoch(runner)
            raise KeyboardInterrupt
        self._between = True

    def before_val_epoch(self, runner) -> None:
        """Learn how often all processes can vote: one may have a batch less than the others."""
        if self._between:
            self._val_batches = min(all_gather_object(len(runner.val_loop.dataloader)))

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Save the epoch before this validation, and end."""
        if self._between and batch_idx < self._val_batches and self._agreed():
            _save_finished_epoch(runner)
            raise KeyboardInterrupt

    def after_train(self, runner) -> None:
        """Leave no vote under way."""
        if self._vote:
            self._vote.finish()

    def _agreed(self) -> bool:
        return self._vote.earlier(self._asked) if self._vote else self._asked

    def _agreed_now(self) -> bool:
        return self._vote.now(self._asked) if self._vote else self._asked

    def _hear(self, number: int) -> None:
        if self._asked or not self._begun:
            raise KeyboardInterrupt
        self._asked = True
        with contextlib.suppress(OSError):  # of a reader that has left
            # print() must not be used in the middle of another print().
            saved = self._saves_here or self._saves and self._between
            os.write(2, f'\n{SAVED if saved else LOST}\n'.encode())


def _saver(runner) -> Optional[SafeCheckpointHook]:
    return next((hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook)), None)


def _save_finished_epoch(runner) -> None:
    saver = _saver(runner)
    if saver is not None:
        saver.save_finished_epoch(runner)
