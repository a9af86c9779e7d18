"""Whether a resumed run has the schedules that the checkpoint holds the state of."""
from typing import List

from ssfer_mm.errors import UserError

# What changes from step to step, or follows from the optimizer. The rest are a schedule's settings.
MOVING = {'last_step', 'base_values', 'verbose', 'best', 'num_bad_epochs', 'cooldown_counter'}


def check_same_schedules(runner, checkpoint: dict, key: str = 'param_scheduler') -> None:
    """Refuse other kinds of schedules, and tell of other settings.

    mmengine loads the state of each into the next of the new ones, settings included: those of the
    config are lost.

    Args:
        runner: The run that goes on, with its schedules built.
        checkpoint: What it goes on from.
        key: Where the settings of these schedules are; a stage may have its own.

    Raises:
        UserError: Their number or their kinds are others.
    """
    saved, now = checkpoint.get('param_schedulers') or [], runner.param_schedulers or []
    if isinstance(saved, dict) or isinstance(now, dict):  # of several optimizers
        return
    states = [one.state_dict() for one in now]
    if list(map(_kind, saved)) != list(map(_kind, states)):
        names = ', '.join(type(one).__name__ for one in now) or 'none'
        raise UserError(
            f'{runner._load_from} holds the state of {len(saved)} schedule(s) that are not those '
            f'of this run ({names}): keep {key} as it was, or start a new run from its weights: '
            '--cfg-options load_from=FILE, and no --resume')
    changed = [f'{type(one).__name__} has {name} {before[name]}, here {here[name]}'
               for one, before, here in zip(now, saved, states)
               for name in _settings(here) if before[name] != here[name]]
    if changed:
        runner.logger.warning(
            f'{key} is not that of {runner._load_from}, whose schedules go on as they were: '
            f'{"; ".join(changed)}. To have the new ones, start a new run from its weights: '
            '--cfg-options load_from=FILE, and no --resume')


def _kind(state: dict) -> tuple:
    """What it schedules, and by which settings: a state does not name its class."""
    return state.get('param_name'), _settings(state)


def _settings(state: dict) -> List[str]:
    return sorted(name for name in state if not name.startswith('_') and name not in MOVING)
