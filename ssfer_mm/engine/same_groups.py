"""Whether a resumed run has its weights in the groups that the checkpoint's optimizer has."""
from ssfer_mm.errors import UserError


def check_same_groups(runner, checkpoint: dict, key: str = 'optim_wrapper') -> None:
    """Refuse an optimizer with the same weights in other groups; PyTorch would not say how.

    Of other weights, loading the model tells more.

    Args:
        runner: The run that goes on, with the optimizer that is to take over the saved state.
        checkpoint: What it goes on from.
        key: Where the settings of that optimizer are; a stage may have its own.

    Raises:
        UserError: The saved optimizer has them in other groups.
    """
    saved = checkpoint.get('optimizer', {}).get('param_groups')
    if not saved or not hasattr(runner.optim_wrapper, 'optimizer'):
        return
    before, now = ([len(group['params']) for group in groups]
                   for groups in (saved, runner.optim_wrapper.optimizer.param_groups))
    if len(before) != len(now) and sum(before) == sum(now):
        other = ('DefaultOptimWrapperConstructor' if len(before) > len(now) else
                 'MergedGroupsConstructor')
        raise UserError(
            f'the optimizer of {runner._load_from} has its {sum(now)} weights in {len(before)} '
            f'groups, this run in {len(now)}: keep {key}.constructor and .paramwise_cfg as they '
            f'were, e.g. with --cfg-options {key}.constructor={other}')
