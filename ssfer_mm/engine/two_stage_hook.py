"""What changes when stage II gives way to stage III."""
from typing import Dict, List

import torch
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch import Tensor

from ssfer_mm.checkpoints import RUNNING_STATISTICS
from ssfer_mm.class_lists import check_class_count
from ssfer_mm.errors import UserError

from .class_correction import warn_of_double_correction
from .lr_scaling import learning_rate_factor, scale_learning_rates
from .rehearsal import rehearse
from .same_groups import check_same_groups
from .same_schedules import check_same_schedules
from .two_stage_loop import Stage
from .unfit_hooks import check_hooks
from .unwrap import forget_stage_one_if_resumed, model_of


@HOOKS.register_module()
class TwoStageFinetuneHook(Hook):
    """Give each stage its own optimizer, schedule and starting weights.

    At the first iteration of a stage the optimizer is built anew (no momentum is carried over),
    the schedules count from there, and the weights are handed on. A run resumed inside a stage
    gets that stage's optimizer and schedule before their state is loaded; one resumed exactly at
    the switch makes the switch.

    With ``auto_scale_lr.enable``, each stage's learning rate is multiplied by the images of one of
    its optimizer steps (labeled and unlabeled, of all processes and accumulated batches) over
    those it was chosen for: ``auto_scale_lr.base_batch_size`` for the supervised stage,
    ``train_cfg.semi.base_batch_size`` for the other.

    Args:
        start_semi_from: ``'teacher'``: student and teacher both continue from the average that
            stage II reports. ``'student'``: both continue from its last student.
    """

    # Before the hooks that look at the optimizer or at the length of the epoch.
    priority = 'VERY_HIGH'

    def __init__(self, start_semi_from: str = 'teacher') -> None:
        if start_semi_from not in ('teacher', 'student'):
            raise UserError("start_semi_from is 'teacher' or 'student', "
                            f'got {start_semi_from!r}')
        self.start_semi_from = start_semi_from

    def before_run(self, runner) -> None:
        """A run that continues from its own checkpoint has no use for stage I any more.

        Raises:
            UserError: The learning rate of a stage is to be scaled, but it has no base; or faces
                would be augmented twice, or never; or the model has other classes than the data;
                or another hook would spoil the run.
        """
        check_hooks(runner.hooks)
        check_class_count(runner.train_dataloader.dataset,
                          getattr(model_of(runner).data_preprocessor, 'num_classes', None))
        _check_views(runner)
        for stage in runner.train_loop.stages:
            learning_rate_factor(runner, stage)
        warn_of_double_correction(runner)
        forget_stage_one_if_resumed(runner)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """On resume, build the optimizer whose state is about to be loaded.

        Raises:
            UserError: The checkpoint has other weights, or the same in other groups, or other
                schedules.
        """
        if not runner._resume:
            return
        meta = checkpoint['meta']
        stage = runner.train_loop.stage_behind(meta['iter'])  # whose optimizer the checkpoint holds
        # mmengine would go on with what fits, and random weights for the rest.
        other = _other_weights(checkpoint.get('state_dict', {}), model_of(runner).state_dict(),
                               stage is not None and stage.unlabeled > 0)
        if other:
            raise UserError(f'{len(other)} weights of the checkpoint to resume from are not those '
                            f'of this model, or have another shape; the first is {other[0]!r}: '
                            'resume with the config that wrote it, or start anew without --resume')
        if stage is not None:
            runner.train_loop.enter(stage)
            self._build_optimizer(runner, stage)
            check_same_groups(runner, checkpoint, stage.optim_wrapper_key)
            if _is_inside(stage, meta):
                check_same_schedules(runner, checkpoint, stage.param_scheduler_key)

    def before_train(self, runner) -> None:
        """Tell the model the labeled classes, and the optimizer its place in the run; try what
        only stage III will do.

        On resume mmengine has counted the accumulated batches from the start of the run.
        """
        self._count_batches(runner, runner.train_loop.stage)
        dataset = runner.train_dataloader.dataset
        if hasattr(dataset, 'labeled_counts'):
            model_of(runner).learn_class_counts(torch.from_numpy(dataset.labeled_counts()))
        rehearse(runner)

    def before_train_epoch(self, runner) -> None:
        """Enter a stage at its first iteration."""
        stage = runner.train_loop.stage
        if runner.iter != stage.begin_iter:
            return
        if stage.begin_epoch > 0:
            self._hand_on_weights(runner)
            self._forget_figures(runner)
        self._build_optimizer(runner, stage)
        self._count_batches(runner, stage)
        runner.logger.info(
            f'Stage "{stage.name}": epochs {stage.begin_epoch + 1} to {stage.end_epoch}, '
            f'{stage.iters_per_epoch} iterations each, {stage.labeled} labeled + '
            f'{stage.unlabeled} unlabeled images per batch and process')

    def _hand_on_weights(self, runner) -> None:
        model = model_of(runner)
        if self.start_semi_from == 'teacher':
            model.sync_student()
        else:
            model.sync_teacher()

    @staticmethod
    def _forget_figures(runner) -> None:
        """Drop the last stage's losses, which the log would repeat as if they were new."""
        hub = runner.message_hub
        for name in [name for name in hub.log_scalars if name.startswith('train/')]:
            del hub.log_scalars[name]
            # Else a checkpoint would promise what it does not hold.
            hub._resumed_keys.pop(name, None)

    @staticmethod
    def _count_batches(runner, stage: Stage) -> None:
        """Let the last batch of the stage bring a step, also if too few have been accumulated."""
        runner.optim_wrapper.initialize_count_status(
            runner.model, runner.iter - stage.begin_iter, stage.end_iter - stage.begin_iter)

    @staticmethod
    def _build_optimizer(runner, stage: Stage) -> None:
        """Replace the runner's optimizer and schedules by those of ``stage``."""
        optim_wrapper = stage.optim_wrapper or runner.cfg.optim_wrapper
        schedulers = stage.param_scheduler
        if schedulers is None:
            schedulers = runner.cfg.get('param_scheduler')
        runner.optim_wrapper = runner.build_optim_wrapper(_copy(optim_wrapper))
        runner.param_schedulers = None
        scale_learning_rates(runner, stage)
        if hasattr(schedulers, 'keys'):
            schedulers = [schedulers]
        runner.param_schedulers = runner.build_param_scheduler(
            [_for_stage(cfg, stage) for cfg in schedulers]) if schedulers else None


def _is_inside(stage: Stage, meta: dict) -> bool:
    """Whether a checkpoint's schedules go on in ``stage``: at its end they are of no more use.

    A stage that began elsewhere is another one; ExactResumeHook refuses that, and knows why.
    """
    begins = [0, *meta.get('stage_ends', [stage.begin_iter])]
    began = max(begin for begin in begins if begin < meta['iter'])
    return began == stage.begin_iter and meta['iter'] < stage.end_iter


def _other_weights(saved: Dict[str, Tensor], own: Dict[str, Tensor], in_stage_three: bool
                   ) -> List[str]:
    """Names that are missing on one side, those of this model first, or of different shapes.

    Running statistics begin with stage III: stage II may have had another rule, and stage III may
    go on without one.
    """
    missing = [name for name in own if name not in saved]
    added = [name for name in saved if name not in own and not name.startswith(RUNNING_STATISTICS)]
    shapes = [name for name in own if name in saved and saved[name].shape != own[name].shape]
    return [name for name in sorted(missing + shapes) + sorted(added)
            if in_stage_three or not name.startswith(RUNNING_STATISTICS)]


def _for_stage(cfg: dict, stage: Stage) -> dict:
    """A schedule that says no ``end`` ends with its stage; mmengine would take the whole run's."""
    cfg = _copy(cfg)
    iterations = stage.end_iter - stage.begin_iter
    cfg.setdefault('end', stage.epochs if cfg.get('by_epoch', True) else iterations)
    return cfg


def _copy(cfg: dict) -> dict:
    """A plain copy: the builders pop keys from what they are given."""
    return cfg.to_dict() if hasattr(cfg, 'to_dict') else dict(cfg)


def _check_views(runner) -> None:
    """Views are made by the pipelines or by the model: one of them, and now, not in stage III."""
    whole = getattr(runner.train_dataloader.dataset, 'packs_whole_faces', None)
    made_here = getattr(model_of(runner).data_preprocessor, 'views', None) is not None
    if whole and not made_here:
        raise UserError(
            'the pipelines hand over whole faces, but nothing makes views of them: set '
            'data_preprocessor.views.type=DeviceViews and data_preprocessor.views.size, or leave '
            'out train_dataloader.dataset.whole_faces (and PackUnlabeled)')
    if made_here and whole is False:
        raise UserError(
            'data_preprocessor.views makes the views of all faces, but so do the pipelines: set '
            'train_dataloader.dataset.whole_faces to the size of the faces, or '
            'data_preprocessor.views=None')
