"""The log remembers as much of a run as it prints, and no more."""
from typing import List, Optional

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .unwrap import epoch_lengths


@HOOKS.register_module()
class LogHistoryHook(Hook):
    """Bound the histories from which the log takes its means.

    mmengine keeps the last million values of every logged figure, copies the whole history to
    append one, and saves it in every checkpoint. What is printed needs no more than an epoch (the
    mean time) or the log processor's window. Where the config asks for a mean over the whole run,
    ``window_size='global'``, all is kept. ``scalars.json`` has every printed figure either way.

    Args:
        min_length: Values to keep at least.
    """

    # After the hooks that add figures.
    priority = 'VERY_LOW'

    def __init__(self, min_length: int = 1000) -> None:
        self.min_length = min_length
        self._length: Optional[int] = None

    def before_train_epoch(self, runner) -> None:
        """Find out how much is needed: the next stage may have longer epochs."""
        processor = runner.log_processor
        windows = [processor.window_size, *(one.get('window_size') for one in processor.custom_cfg)]
        numbers = [window for window in windows if isinstance(window, int)]
        self._length = None if 'global' in windows else max(
            self.min_length, *numbers, *epoch_lengths(runner), *_validation_length(runner))
        # Now, too: a resumed run must drop the same values as one that was never stopped.
        self._bound(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Figures may appear at any time; each drops what is too old at its next value."""
        self._bound(runner)

    def _bound(self, runner) -> None:
        if self._length is None:
            return
        for buffer in runner.message_hub.log_scalars.values():
            buffer.max_length = self._length


def _validation_length(runner) -> List[int]:
    return [] if runner.val_loop is None else [len(runner.val_loop.dataloader)]
