"""The figures in the log are those of the whole batch."""
import torch
from mmengine.device import get_device
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class GlobalLogHook(Hook):
    """Replace the losses and figures of an iteration by their mean over all processes.

    mmengine logs what the first process saw of the batch. One small reduction per iteration,
    which one process goes without. And figures that lie on a GPU are fetched together: whoever
    reads them one by one waits for the GPU each time.
    """

    # Before the hooks that read them, but for NumericsHook, which has to see whose loss it is.
    priority = 5

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Average in place: every hook is handed the same dictionary."""
        if not outputs:
            return
        names = sorted(outputs)
        figures = torch.stack([
            torch.as_tensor(outputs[name], dtype=torch.float32, device=get_device()).detach()
            for name in names])
        if get_world_size() > 1:
            all_reduce(figures, op='mean')
        # Still tensors, for hooks that expect some.
        outputs.update(zip(names, figures.cpu()))
