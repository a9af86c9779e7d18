"""When to write a checkpoint, and which ones to keep."""
import os.path as osp
import time
from typing import Optional, Tuple

from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.errors import UserError
from ssfer_mm.files.checkpoint_list import BEST, PERIODIC, STAGE_END

from .checkpoint_folder import CheckpointFolder
from .formatted_once import format_configs_once
from .resumable_loop import ResumableTrainLoop
from .same_error import same_error_everywhere

# How often several processes ask the first one whether it is time: the answer travels.
LOOK_EVERY = 50


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Write complete checkpoints only, with checksums in ``checkpoints.json``.

    A checkpoint is written under another name, synced and renamed, and only then is an older one
    deleted, so there is always one to resume from; the disk must hold one more than are kept.
    Besides the newest ``max_keep_ckpts``, the end of every stage is kept.

    Args:
        interval: Epochs (or iterations) between checkpoints; -1 writes at stage ends only.
        by_epoch: Count epochs; otherwise iterations, for stages whose epochs last days.
        minutes: Save also when the last checkpoint is so old, inside an epoch if the run can be
            resumed there, so that a crash never costs more. None: by ``interval`` alone.
        max_keep_ckpts: How many of the newest to keep; -1 keeps all.
        save_best: Also keep the weights with the best value of this metric, in
            ``best_<metric>.pth``. Choose it on validation data, never on the test set, which is
            what the shipped configs evaluate on.
        rule: ``'greater'`` or ``'less'`` is better.

    Raises:
        UserError: A checkpoint cannot be written; the earlier ones are kept. Or an argument is
            none of these.
    """

    # After every hook that changes what is saved.
    priority = 'VERY_LOW'

    def __init__(self,
                 interval: int = 1,
                 by_epoch: bool = True,
                 minutes: Optional[float] = 10.,
                 max_keep_ckpts: int = -1,
                 save_best: Optional[str] = None,
                 rule: str = 'greater') -> None:
        if rule not in ('greater', 'less'):
            raise UserError(f"SafeCheckpointHook: rule is 'greater' or 'less', got {rule!r}")
        if not isinstance(save_best, (str, type(None))):
            raise UserError(f'SafeCheckpointHook: save_best is {save_best!r}: name one metric, '
                            'such as default_hooks.checkpoint.save_best=accuracy')
        self.interval, self.by_epoch, self.minutes = interval, by_epoch, minutes
        self.max_keep_ckpts = max_keep_ckpts
        self.save_best, self.rule = save_best, rule

    def before_train(self, runner) -> None:
        """Clean up after a process that was killed."""
        format_configs_once()
        self._newest = time.monotonic(), None
        self._looked = runner.iter
        runner.logger.info(f'Checkpoints will be saved to {runner.work_dir}.')
        if is_main_process():
            folder = CheckpointFolder(runner.work_dir)
            folder.clear_parts()
            self._list_what_was_resumed(runner)
            if runner._resume:
                folder.prune(self.max_keep_ckpts)

    def after_train_epoch(self, runner) -> None:
        """Save if epochs are counted and one is due, or if it is time."""
        counted = self.by_epoch and (runner.epoch + 1 == _stage_end(runner)[0]
                                     or self.every_n_epochs(runner, self.interval))
        # Where iterations are counted, too: not every run can be resumed inside an epoch.
        if counted or self._is_late():
            self.save_after_epoch(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Save if iterations are counted and one is due, or if it is time."""
        step = runner.iter + 1
        counted = not self.by_epoch and (step == _stage_end(runner)[1]
                                         or self.every_n_train_iters(runner, self.interval))
        if counted or (self._may_save_inside(runner, batch_idx) and self._may_look(step)
                       and self._is_late()):
            self.save_after_iter(runner)

    def save_after_iter(self, runner) -> None:
        """Save a run whose current iteration is done."""
        step = runner.iter + 1
        kind = STAGE_END if step == _stage_end(runner)[1] else PERIODIC
        self._save(runner, f'iter_{step}.pth', kind, dict(epoch=runner.epoch, iter=step))

    def save_after_epoch(self, runner) -> None:
        """Save a run whose current epoch is done, unless it has just been saved."""
        epoch = runner.epoch + 1
        kind = STAGE_END if epoch == _stage_end(runner)[0] else PERIODIC
        if self._newest[1] != f'epoch_{epoch}.pth':
            self._save(runner, f'epoch_{epoch}.pth', kind, dict(epoch=epoch, iter=runner.iter))

    def save_finished_epoch(self, runner) -> None:
        """Save a run between two epochs, as in a validation, unless the last one was saved."""
        epoch = runner.epoch  # counted on already, and the stage with it: its end has been saved
        if self._newest[1] not in (f'epoch_{epoch}.pth', f'iter_{runner.iter}.pth'):
            self._save(runner, f'epoch_{epoch}.pth', PERIODIC, dict(epoch=epoch, iter=runner.iter))

    @staticmethod
    def _may_save_inside(runner, batch_idx: int) -> bool:
        return (batch_idx + 1 < len(runner.train_loop.dataloader)
                and runner.optim_wrapper.should_update() and can_resume_inside_epochs(runner))

    def _may_look(self, step: int) -> bool:
        """Whether to ask if it is time; several processes ask at the same step.

        The count begins anew with each question. Multiples of ``LOOK_EVERY`` may never be steps
        of the optimizer, where gradients are accumulated.
        """
        if get_world_size() > 1 and step - self._looked < LOOK_EVERY:
            return False
        self._looked = step
        return True

    def _is_late(self) -> bool:
        """Whether the newest checkpoint is too old; the same answer in every process."""
        if self.minutes is None:
            return False
        late = [time.monotonic() - self._newest[0] >= 60 * self.minutes]
        if get_world_size() > 1:
            broadcast_object_list(late)
        return late[0]

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Save if this is the best so far; the record is part of later checkpoints."""
        if self.save_best is None:
            return
        if self.save_best not in (metrics or {}):
            raise UserError(f'SafeCheckpointHook: save_best={self.save_best!r} is not among the '
                            f'metrics: {", ".join(metrics or {}) or "none"}. Name one of them')
        score, hub = float(metrics[self.save_best]), runner.message_hub
        best = hub.get_info('best_score', None)
        if best is not None and not (score > best if self.rule == 'greater' else score < best):
            return
        hub.update_info('best_score', score)
        name = f'best_{self.save_best.replace("/", "_")}.pth'
        self._save(runner, name, BEST, dict(epoch=runner.epoch, iter=runner.iter), score=score)

    @staticmethod
    def _list_what_was_resumed(runner) -> None:
        folder, path = CheckpointFolder(runner.work_dir), str(runner._load_from or '')
        name = osp.basename(path)
        if not runner._resume or not name or not osp.exists(folder.path(name)) or (
                not osp.samefile(path, folder.path(name))):
            return
        loop = runner.train_loop
        ends = [stage.end_iter for stage in getattr(loop, 'stages', ())] or [runner.max_iters]
        kind = STAGE_END if runner.iter in ends else PERIODIC
        folder.list_found(name, kind, dict(epoch=runner.epoch, iter=runner.iter))

    def _save(self, runner, name: str, kind: str, meta: dict, **facts: float) -> None:
        folder, loop = CheckpointFolder(runner.work_dir), runner.train_loop
        # Between two stages the loop is in the next one already.
        stage = loop.stage_behind(meta['iter']) if hasattr(loop, 'stages') else None
        facts = dict(meta, stage=getattr(stage, 'name', None), **facts)
        runner.logger.info(f'Saving checkpoint {name}')
        for hook in runner.hooks:
            if hasattr(hook, 'gather_for_checkpoint'):
                hook.gather_for_checkpoint(runner)
        with same_error_everywhere(), folder.disk_errors(name):
            # Called in every process: mmengine's runner saves in the first one alone, but a
            # sharded model has to gather its weights.
            runner.save_checkpoint(runner.work_dir, folder.part(name),
                                   save_optimizer=kind != BEST,
                                   save_param_scheduler=kind != BEST, meta=meta)
            if is_main_process():
                folder.adopt(name, kind, facts)
                folder.prune(self.max_keep_ckpts)
        if kind != BEST:
            self._newest = time.monotonic(), name


def can_resume_inside_epochs(runner) -> bool:
    """Whether this run's loop and sampler go on where a checkpoint was written."""
    loop = runner.train_loop
    return (isinstance(loop, ResumableTrainLoop)
            and hasattr(loop.dataloader.batch_sampler.sampler, 'skip'))


def _stage_end(runner) -> Tuple[int, int]:
    """The epoch and the iteration with which the current stage, or a run without stages, ends."""
    stage = getattr(runner.train_loop, 'stage', None)
    if stage is None:
        return runner.max_epochs, runner.max_iters
    return stage.end_epoch, stage.end_iter
