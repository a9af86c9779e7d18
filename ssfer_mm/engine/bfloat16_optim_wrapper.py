"""Cheaper arithmetic: bfloat16 where it is safe, on GPUs and on CPUs."""
from contextlib import contextmanager
from typing import Iterator

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """mmengine's ``OptimWrapper``, with its arguments, whose forward passes run under autocast.

    Matrix products and convolutions are computed in bfloat16; weights, their gradients, the
    optimizer, norms and losses stay float32. bfloat16 has float32's range, so the loss needs no
    scaling, which is what mmengine's ``AmpOptimWrapper`` needs a GPU for. The teacher's pass is
    inside as well. It pays on GPUs from Ampere on and on processors with AVX512-BF16 or AMX;
    without such hardware it works, but slower than float32.
    """

    precision = 'bfloat16'

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """What the forward pass of a training step runs under."""
        with super().optim_context(model), bfloat16_passes(model):
            yield


@contextmanager
def bfloat16_passes(model: nn.Module) -> Iterator[None]:
    """Let the forward passes of a model be computed in bfloat16, where its weights are."""
    device = next(model.parameters()).device.type
    with torch.autocast(device, dtype=torch.bfloat16):
        if device != 'cpu':
            yield
            return
        with attention_as_matrix_products():
            yield


@contextmanager
def attention_as_matrix_products() -> Iterator[None]:
    """Attention by two bfloat16 matrix products and a softmax.

    On CPUs, torch's fused kernel is the slow one in bfloat16, most of all its backward pass: over
    37 tokens it takes four times as long, over 197 tokens twice (docs/performance.md).
    """
    flag = torch.backends.cuda  # torch keeps it there, and obeys it on CPUs as well
    before = flag.fp16_bf16_reduction_math_sdp_allowed()
    flag.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        flag.allow_fp16_bf16_reduction_math_sdp(before)
