"""Stages II and III as one training run."""
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from mmpretrain.registry import LOOPS

from ssfer_mm.errors import UserError

from .resumable_loop import ResumableTrainLoop
from .unfit_hooks import check_needed_hooks


@dataclass(frozen=True)
class Stage:
    """One stretch of a run with its own batches, schedule and optimizer.

    Attributes:
        name: ``supervised`` or ``semi``.
        epochs: How many epochs it lasts.
        labeled: Labeled images per batch and process.
        unlabeled: Unlabeled images per batch and process.
        begin_epoch: First epoch of the stage, counted over the whole run from 0.
        begin_iter: First iteration of the stage, likewise.
        iters_per_epoch: Batches in each of its epochs.
        optim_wrapper: Config of its optimizer; None means the run's.
        param_scheduler: Configs of its schedules, counted from the start of the stage; None means
            the run's.
        base_batch_size: Images per optimizer step, labeled and unlabeled ones of all processes,
            that its learning rate was chosen for; None means the run's
            ``auto_scale_lr.base_batch_size``, which speaks of the supervised stage.
    """
    name: str
    epochs: int
    labeled: int
    unlabeled: int
    begin_epoch: int
    begin_iter: int
    iters_per_epoch: int
    optim_wrapper: Optional[dict] = None
    param_scheduler: Optional[Sequence[dict]] = None
    base_batch_size: Optional[int] = None

    @property
    def end_epoch(self) -> int:
        """First epoch after the stage."""
        return self.begin_epoch + self.epochs

    @property
    def end_iter(self) -> int:
        """First iteration after the stage."""
        return self.begin_iter + self.epochs * self.iters_per_epoch

    @property
    def optim_wrapper_key(self) -> str:
        """Where the settings of its optimizer are."""
        return f'train_cfg.{self.name}.optim_wrapper' if self.optim_wrapper else 'optim_wrapper'

    @property
    def param_scheduler_key(self) -> str:
        """Where the settings of its schedules are."""
        return ('param_scheduler' if self.param_scheduler is None
                else f'train_cfg.{self.name}.param_scheduler')


@LOOPS.register_module()
class TwoStageTrainLoop(ResumableTrainLoop):
    """Train ``supervised`` epochs on labeled batches, then ``semi`` epochs on both sources.

    The stage is a function of the epoch, so a resumed run needs no replay. Epochs, iterations and
    the time left count both stages. Each stage ends with a validation.

    Args:
        runner: The runner.
        dataloader: Has a :class:`TwoSourceBatchSampler`; its ``batch_size`` is the number of
            labeled images in a supervised batch.
        supervised: ``dict(epochs, [optim_wrapper, param_scheduler, base_batch_size])``, or None
            to leave it out.
        semi: ``dict(epochs, labeled, unlabeled, [optim_wrapper, param_scheduler,
            base_batch_size])``, or None.
        val_begin: First epoch (from 1) that may be validated.
        val_interval: Epochs between validations.

    Raises:
        UserError: No stage is left, or a stage's batch is larger than its data, or
            ``val_interval`` is not at least one epoch.
    """

    def __init__(self,
                 runner,
                 dataloader,
                 supervised: Optional[dict] = None,
                 semi: Optional[dict] = None,
                 val_begin: int = 1,
                 val_interval: int = 1) -> None:
        super().__init__(runner, dataloader, 1, val_begin, val_interval)
        self.sampler = self.dataloader.batch_sampler.sampler
        self.stages = self._lay_out(supervised, semi)
        self._max_epochs, self._max_iters = self.stages[-1].end_epoch, self.stages[-1].end_iter
        self.enter(self.stages[0])

    def _lay_out(self, supervised: Optional[dict], semi: Optional[dict]) -> List[Stage]:
        wanted = []
        if supervised:
            _check_keys('supervised', supervised, needed=['epochs'])
            batch = self.dataloader.batch_sampler.batch_size
            wanted.append(dict(supervised, name='supervised', labeled=batch, unlabeled=0))
        if semi:
            _check_keys('semi', semi, needed=['epochs', 'labeled', 'unlabeled'])
            wanted.append(dict(semi, name='semi'))
        stages, epoch, iteration = [], 0, 0
        for options in wanted:
            if options['epochs'] <= 0:
                continue
            if options['labeled'] < 1:
                raise UserError(f'train_cfg.{options["name"]}.labeled is {options["labeled"]}: a '
                                'batch needs at least one labeled image per process')
            batches = self.sampler.num_batches(options['labeled'], options['unlabeled'])
            stages.append(
                Stage(**options, begin_epoch=epoch, begin_iter=iteration, iters_per_epoch=batches))
            epoch, iteration = stages[-1].end_epoch, stages[-1].end_iter
        if not stages:
            raise UserError('the run has no stage to train: give train_cfg.supervised or '
                            'train_cfg.semi at least one epoch')
        return stages

    def stage_at(self, epoch: int) -> Stage:
        """The stage that an epoch belongs to; past the end, the last one."""
        return next((stage for stage in self.stages if epoch < stage.end_epoch), self.stages[-1])

    def stage_behind(self, iterations: int) -> Optional[Stage]:
        """The stage of the last of so many finished iterations; None before the first one."""
        return next((s for s in reversed(self.stages) if s.begin_iter < iterations), None)

    @property
    def epoch_lengths(self) -> List[int]:
        """Iterations of an epoch, one number per stage."""
        return [stage.iters_per_epoch for stage in self.stages]

    @property
    def stage(self) -> Stage:
        """The stage of the current epoch."""
        return self.stage_at(self._epoch)

    def enter(self, stage: Stage) -> None:
        """Let the batches have the composition of ``stage``."""
        self.sampler.set_sources(stage.labeled, stage.unlabeled)

    def run(self):
        """Train both stages.

        Raises:
            UserError: The hooks that make stages of it are not there, or the processes differ in
                their numbers of batches or images.
        """
        check_needed_hooks(self.runner.hooks)
        return super().run()

    def run_epoch(self) -> None:
        """Train one epoch, or, resumed from within it, the rest of it."""
        self.enter(self.stage)
        super().run_epoch()

    def _current_epoch(self) -> Tuple[int, int]:
        """Iterations before the current epoch, and in it."""
        stage = self.stage
        epochs = self._epoch - stage.begin_epoch
        return stage.begin_iter + epochs * stage.iters_per_epoch, stage.iters_per_epoch

    def _skip(self, batches: int) -> None:
        self.sampler.skip(batches)

    def _is_validation_due(self) -> bool:
        """Whether the epochs finished so far end in a validation."""
        if self.runner.val_loop is None:
            return False
        return self._ends_stage() or (self._epoch >= self.val_begin
                                      and self._epoch % self.val_interval == 0)

    def _ends_stage(self) -> bool:
        """Whether the last finished epoch was the last one of a stage."""
        return any(self._epoch == stage.end_epoch for stage in self.stages)


def _check_keys(name: str, options: dict, needed: List[str]) -> None:
    """Refuse a stage that lacks a setting, or has one that would mean nothing."""
    if not isinstance(options, dict):
        raise UserError(f'train_cfg.{name} is {options!r}: set train_cfg.{name}.epochs, or '
                        f'train_cfg.{name}=None to leave the stage out')
    lacking = [key for key in needed if key not in options]
    if lacking:
        raise UserError(f'train_cfg.{name} lacks {", ".join(lacking)}: a stage needs epochs, and '
                        'semi also labeled and unlabeled, its images per batch')
    known = [*needed, 'optim_wrapper', 'param_scheduler', 'base_batch_size']
    unknown = sorted(set(options) - set(known))
    if name == 'supervised' and unknown == ['labeled']:
        raise UserError('train_cfg.supervised.labeled: the images per batch of this stage are '
                        'train_dataloader.batch_size')
    if unknown:
        raise UserError(f'train_cfg.{name} has the unknown setting {", ".join(unknown)}: it takes '
                        f'{", ".join(sorted(known))}')
    for key in ('epochs', 'labeled'):
        # Half an epoch would never end: no switch to stage III, no export.
        if not isinstance(options.get(key, 1), int):
            raise UserError(f'train_cfg.{name}.{key} is {options[key]!r}: set it to a whole number')
