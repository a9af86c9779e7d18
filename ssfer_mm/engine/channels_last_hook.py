"""Train convolutions in the memory layout that CPUs (and tensor cores) like best."""
import torch
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch import nn
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from ssfer_mm.errors import UserError

FEWEST_CHANNELS = 8


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Store the model's convolution weights channels last, and with them all activations.

    Same numbers up to rounding, save that random weights are drawn in another order; on a CPU a
    small network trains a third faster. Weights that ``ShardedRunner`` has shared out stay as they
    are: FSDP brings only plain ones together.

    Raises:
        UserError: On a CPU, a convolution of 1 x 1 with a stride has fewer than 8 input channels.
            In this layout oneDNN (seen with PyTorch 2.14, AVX2) writes its gradient past the end of
            the memory.
    """

    priority = 'VERY_HIGH'  # before the EMA copies the model

    def before_run(self, runner) -> None:
        if any(isinstance(weight, DTensor) for weight in runner.model.parameters()):
            return
        _refuse_narrow(runner.model)
        runner.model.to(memory_format=torch.channels_last)
        if isinstance(runner.model, DistributedDataParallel):
            # It keeps the layout of the weights it was made with, puts the gradients of the first
            # step into it, and takes them out in the new one: in a wrong order.
            runner.model = runner.wrap_model(
                runner.cfg.get('model_wrapper_cfg'), runner.model.module)


def _refuse_narrow(model: nn.Module) -> None:
    for name, conv in model.named_modules():
        if (isinstance(conv, nn.Conv2d) and conv.kernel_size == (1, 1) and max(conv.stride) > 1
                and conv.groups == 1 and conv.in_channels < FEWEST_CHANNELS
                and conv.weight.device.type == 'cpu'):
            raise UserError(f'ChannelsLastHook: {name} is a convolution of 1 x 1 with a stride and '
                            f'{conv.in_channels} input channels; expected at least '
                            f'{FEWEST_CHANNELS}, because oneDNN damages the memory otherwise. Take '
                            'a wider network, or remove the hook from custom_hooks')
