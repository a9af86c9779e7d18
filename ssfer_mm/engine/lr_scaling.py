"""Learning rates that follow the number of images per optimizer step."""
from ssfer_mm.errors import UserError

from .two_stage_loop import Stage


def learning_rate_factor(runner, stage: Stage) -> float:
    """Images of one optimizer step over those that the stage's learning rate was chosen for.

    The images are the labeled and the unlabeled ones of a batch, times the processes, times the
    batches whose gradients are accumulated. (mmengine's ``scale_lr`` knows one batch size for the
    whole run and forgets accumulation.)

    Args:
        runner: With ``auto_scale_lr``; 1 is returned unless that is enabled.
        stage: Its ``base_batch_size`` counts, for a supervised stage without one the run's.

    Raises:
        UserError: There is no base batch size.
    """
    scaling = runner.auto_scale_lr or {}
    if not scaling.get('enable', False):
        return 1.0
    base = stage.base_batch_size
    if base is None and stage.unlabeled == 0:
        base = scaling.get('base_batch_size')
    if base is None:
        key = 'auto_scale_lr' if stage.unlabeled == 0 else f'train_cfg.{stage.name}'
        raise UserError(f'the learning rate is to be scaled, but {key}.base_batch_size is missing: '
                        'set it to the images per optimizer step (labeled and unlabeled, of all '
                        'processes) for which the learning rate was chosen')
    wrapper = stage.optim_wrapper or runner.cfg.optim_wrapper
    accumulated = wrapper.get('accumulative_counts', 1)
    return (stage.labeled + stage.unlabeled) * runner.world_size * accumulated / base


def scale_learning_rates(runner, stage: Stage) -> None:
    """Multiply the learning rates of the runner's optimizer, before schedules are built on it."""
    factor = learning_rate_factor(runner, stage)
    if factor == 1:
        return
    runner.logger.info(f'Stage "{stage.name}": learning rate times {factor:g}, for '
                       f'{stage.labeled} labeled + {stage.unlabeled} unlabeled images per batch '
                       f'and process, {runner.world_size} processes')
    for group in runner.optim_wrapper.optimizer.param_groups:
        group['lr'] *= factor
