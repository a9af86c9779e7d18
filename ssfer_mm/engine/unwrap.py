"""What hooks want to know of a run, whatever mmengine wraps around it."""
from typing import List

from mmengine.model import is_model_wrapper
from mmengine.runner import find_latest_checkpoint


def model_of(runner):
    """The runner's model itself: ``SSFER``, or of stage I ``MAE`` or ``SparK``."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def epoch_lengths(runner) -> List[int]:
    """Iterations of an epoch, one number per stage; of loops without stages, one."""
    loop = runner.train_loop
    return list(getattr(loop, 'epoch_lengths', None) or [len(loop.dataloader)])


def forget_stage_one_if_resumed(runner) -> None:
    """A run that continues from its own checkpoint does not read the weights of stage I again."""
    if runner._resume and (runner._load_from or find_latest_checkpoint(runner.work_dir)):
        model_of(runner).pretrained = None
