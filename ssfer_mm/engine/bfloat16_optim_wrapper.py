"""Train in bfloat16 wherever the processor has it, a CPU included."""
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Forward passes under bfloat16 autocast; weights, gradients and averages stay float32.

    mmengine's ``AmpOptimWrapper`` asks for a GPU, because float16 needs its loss scaling. bfloat16
    has the range of float32 and needs none. Convolutions of a small network run about twice as
    fast on a CPU with AVX512-BF16 or AMX; on a CPU without, slower than float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield
