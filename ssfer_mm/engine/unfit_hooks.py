"""Hooks that spoil a run of two stages, and those that it cannot do without."""
from typing import Iterable, Set

from mmengine.hooks import Hook

from ssfer_mm.errors import UserError

# Names of classes, so that none has to be imported: what it would do, and what to do instead.
UNFIT = dict(
    EarlyStoppingHook='it would end the whole run in stage II, without its export: set '
                      'train_cfg.supervised.epochs and train_cfg.semi.epochs, and keep the best '
                      'weights with default_hooks.checkpoint.save_best=accuracy',
    EMAHook='the teacher is an average already: set model.ema_decay',
    PreciseBNHook='it would feed the network batches that only SSFER takes, and the teacher '
                  'averages the statistics already',
    SwitchRecipeHook='it would change nothing, because the stages have recipes of their own: set '
                     'train_cfg.semi.optim_wrapper and .param_scheduler, and '
                     'model.data_preprocessor.facemix')

# What nobody would miss before the results are there.
NEEDED = dict(TwoStageFinetuneHook='no stage gets its own optimizer, schedule and weights',
              EMATeacherHook='the teacher never moves')


def check_hooks(hooks: Iterable[Hook]) -> None:
    """Refuse hooks that would end the run early, fail in it, or do nothing.

    Raises:
        UserError: There is one of them, or of a class made from one.
    """
    for hook in hooks:
        for name in sorted(_names(hook) & set(UNFIT)):
            raise UserError(f'{name} does not go with the two stages of SSFER: {UNFIT[name]}. '
                            'Remove it from custom_hooks')


def check_needed_hooks(hooks: Iterable[Hook]) -> None:
    """Refuse a run whose config has replaced the hooks that make two stages of it.

    Raises:
        UserError: One of them, or of a class made from it, is not there.
    """
    there = set().union(*map(_names, hooks))
    for name, without in NEEDED.items():
        if name not in there:
            raise UserError(f'the run has no {name}, so {without}: custom_hooks of a config '
                            'replaces the list of its base config. Write custom_hooks='
                            f"[*_base_.custom_hooks, ...], or add dict(type='{name}')")


def _names(hook: Hook) -> Set[str]:
    """Of its class and of those that it is made from."""
    return {kind.__name__ for kind in type(hook).__mro__}
