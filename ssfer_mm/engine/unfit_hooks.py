"""Hooks of mmengine and mmpretrain that spoil a run of two stages."""
from typing import Iterable

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


def check_hooks(hooks: Iterable[Hook]) -> None:
    """Refuse hooks that would end the run early, fail in it, or do nothing.

    Raises:
        UserError: There is one of them, or of a class made from one.
    """
    for hook in hooks:
        for kind in type(hook).__mro__:
            if kind.__name__ in UNFIT:
                raise UserError(f'{kind.__name__} does not go with the two stages of SSFER: '
                                f'{UNFIT[kind.__name__]}. Remove it from custom_hooks')
