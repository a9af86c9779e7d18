"""Train convolutions in the memory layout that CPUs (and tensor cores) like best."""
import torch
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Store the model's convolution weights channels last, and with them all activations.

    Same numbers up to rounding, save that random weights are drawn in another order; on a CPU a
    small network trains a third faster. Weights that ``ShardedRunner`` has shared out stay as they
    are: FSDP brings only plain ones together.
    """

    priority = 'VERY_HIGH'  # before the EMA copies the model

    def before_run(self, runner) -> None:
        if any(isinstance(weight, DTensor) for weight in runner.model.parameters()):
            return
        runner.model.to(memory_format=torch.channels_last)
        if isinstance(runner.model, DistributedDataParallel):
            # It keeps the layout of the weights it was made with, puts the gradients of the first
            # step into it, and takes them out in the new one: in a wrong order.
            runner.model = runner.wrap_model(
                runner.cfg.get('model_wrapper_cfg'), runner.model.module)
