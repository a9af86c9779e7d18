"""Let the teacher follow the student."""
from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .unwrap import model_of

# Share of the first weights in the teacher at the end of a stage that is worth a warning. The
# paper's smallest subset of RAF-DB leaves 15 %.
SLOW = 0.5


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

    def before_train(self, runner) -> None:
        """Warn of a teacher that cannot follow in the steps that there are."""
        model, stages = model_of(runner), getattr(runner.train_loop, 'stages', ())
        batches = stages[0].end_iter - stages[0].begin_iter if stages else runner.max_iters
        steps = batches // runner.optim_wrapper._accumulative_counts
        left = model.ema_decay**steps
        if left > SLOW and not model.ema_warmup:
            runner.logger.warning(
                f'After the {steps} steps of its first stage the teacher, which is what is tested '
                f'and exported, will still hold {left:.0%} of the weights that the run begins with '
                f'(model.ema_decay={model.ema_decay:g}): set model.ema_warmup=True, or train '
                'longer.')

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
