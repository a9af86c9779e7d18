"""Let the teacher follow the student."""
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .unwrap import model_of


@HOOKS.register_module()
class EMATeacherHook(Hook):
    """Update the teacher after each real optimizer step.

    It listens to the optimizer itself, so that neither the batches in between when gradients are
    accumulated, nor steps that mixed precision skips for an overflow, move the teacher.
    """

    priority = 'NORMAL'

    def __init__(self) -> None:
        self._optimizer, self._handle = None, None

    def before_train_epoch(self, runner) -> None:
        """Listen to the optimizer of this stage."""
        optimizer = runner.optim_wrapper.optimizer
        if optimizer is self._optimizer:
            return
        self._release()
        model = model_of(runner)
        self._optimizer = optimizer

        def follow(optimizer, *_) -> None:
            # A fused optimizer is called for overflown gradients too, and told to do nothing.
            # Reading that waits for the GPU, as the scaler itself does for all other optimizers.
            overflow = getattr(optimizer, 'found_inf', None)
            if overflow is None or not bool(overflow):
                model.update_teacher()

        self._handle = optimizer.register_step_post_hook(follow)

    def after_train(self, runner) -> None:
        """Stop listening."""
        self._release()

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._optimizer, self._handle = None, None
