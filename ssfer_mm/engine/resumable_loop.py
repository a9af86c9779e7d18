"""An epoch-based loop that continues wherever its checkpoint was written."""
from typing import List, Optional, Tuple

from mmengine.dist import all_gather_object
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.registry import LOOPS

from ssfer_mm.errors import UserError


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop, which can also be resumed inside an epoch and before a validation.

    Batches that are done are skipped by the sampler, not decoded.

    Args:
        runner: The runner.
        dataloader: Of the training.
        max_epochs: How many epochs it lasts.
        val_begin: First epoch (from 1) that may be validated.
        val_interval: Epochs between validations; the last epoch ends with one in any case.
        dynamic_intervals: (epoch, interval): intervals that hold from these epochs on.

    Raises:
        UserError: ``val_interval`` is not at least one epoch.
    """

    def __init__(self,
                 runner,
                 dataloader,
                 max_epochs: int,
                 val_begin: int = 1,
                 val_interval: int = 1,
                 dynamic_intervals: Optional[List[Tuple[int, int]]] = None) -> None:
        if not isinstance(val_interval, int) or val_interval < 1:
            raise UserError(f'train_cfg.val_interval is {val_interval!r}: set it to a whole number '
                            'of epochs >= 1; 10000 validates where a stage ends only, and '
                            '--no-validate not at all')
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval,
                         dynamic_intervals)

    def run(self):
        """Train, with a validation where one is due.

        Raises:
            UserError: The processes differ in their numbers of batches or images.
        """
        self._check_that_processes_agree()
        self.runner.call_hook('before_train')
        if self._iter > 0 and self._batches_done() == 0:
            # Resumed between two epochs: the checkpoint was written before the validation.
            self._validate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train one epoch, or, resumed from within it, the rest of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._batches_done()
        self._skip(done)
        for index, batch in enumerate(self.dataloader, start=done):
            self.run_iter(index, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    @property
    def epoch_lengths(self) -> List[int]:
        """Iterations of an epoch, one number per stage."""
        return [len(self.dataloader)]

    @property
    def inside_epoch(self) -> bool:
        """Whether some batches of the current epoch are behind us and others are not."""
        return 0 < self._batches_done() < self._current_epoch()[1]

    def _check_that_processes_agree(self) -> None:
        """The others would wait forever for a process that has one batch less."""
        mine = (self.epoch_lengths, len(self.dataloader.dataset))
        for rank, (lengths, images) in enumerate(all_gather_object(mine)):
            if (lengths, images) != mine:
                raise UserError(
                    f'process {rank} has {images} images in {lengths} batches per epoch, process '
                    f'{self.runner.rank} has {mine[1]} in {mine[0]}: give every machine the same '
                    'data, and the sampler of train_dataloader round_up=True')

    def _batches_done(self) -> int:
        """Batches of the current epoch that are behind us."""
        before, length = self._current_epoch()
        done = self._iter - before
        # Out of range: a checkpoint of a run whose epochs were longer or shorter, written before
        # checkpoints told so. Then the epoch is trained whole.
        return done if 0 <= done <= length else 0

    def _current_epoch(self) -> Tuple[int, int]:
        """Iterations before the current epoch, and in it."""
        return self._epoch * len(self.dataloader), len(self.dataloader)

    def _skip(self, batches: int) -> None:
        """Let the next pass over the data begin after so many batches."""
        # mmpretrain's vis_scheduler.py has the loop go over a list, which has no sampler.
        sampler = getattr(getattr(self.dataloader, 'batch_sampler', None), 'sampler', None)
        if hasattr(sampler, 'skip'):
            sampler.skip(batches * self.dataloader.batch_size)
        elif batches:
            raise UserError(f'the checkpoint lies inside an epoch, and {type(sampler).__name__} '
                            'cannot begin there: set train_dataloader.sampler.type=SeededSampler, '
                            'or resume from a checkpoint between two epochs')

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if self._is_validation_due():
            # What a run that resumes here says, so that the best checkpoint is the same.
            self.runner.message_hub.update_info('epoch', self._epoch)
            self.runner.message_hub.update_info('iter', self._iter)
            self.runner.val_loop.run()

    def _is_validation_due(self) -> bool:
        """Whether the epochs finished so far end in a validation."""
        return (self.runner.val_loop is not None and self._epoch >= self.val_begin
                and (self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs))
