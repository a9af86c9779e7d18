"""Let the teacher follow the student."""
from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .unwrap import model_of


@HOOKS.register_module()
class EMATeacherHook(Hook):
    """Update the teacher after each real optimizer step.

    It listens to the optimizer itself, so that neither the batches in between when gradients are
    accumulated, nor steps that mixed precision skips for an overflow, move the teacher.

    Each process has batch statistics of its own images. Their running averages are averaged over
    the processes first, so that all have the same teacher, and what is saved is what is tested.
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
        self._handle = optimizer.register_step_post_hook(
            lambda optimizer, *_: _follow(model, optimizer))

    def after_train(self, runner) -> None:
        """Stop listening."""
        self._release()

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._optimizer, self._handle = None, None


def _follow(model, optimizer) -> None:
    # A fused optimizer is called for overflown gradients too, and told to do nothing. Reading
    # that waits for the GPU, as the scaler itself does for all other optimizers.
    overflow = getattr(optimizer, 'found_inf', None)
    if overflow is not None and bool(overflow):
        return
    if model.has_batch_statistics and get_world_size() > 1:
        averages = [b for b in model.student.buffers() if b.is_floating_point()]
        all_reduce_params(averages, op='mean')
    model.update_teacher()
