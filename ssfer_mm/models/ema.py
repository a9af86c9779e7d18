"""The teacher's weights: an exponential moving average of the student's."""
import torch
from torch import nn


@torch.no_grad()
def ema_update(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """Move every parameter and buffer of ``teacher`` a step towards ``student``, in place.

    ``t <- decay * t + (1 - decay) * s``; integer buffers (batch counters) are copied.

    Args:
        teacher: A module with the same structure as ``student``.
        student: The module being trained.
        decay: In [0, 1]; 0 copies the student, 1 leaves the teacher alone.
    """
    averaged, sources = [], []
    for target, source in zip(_tensors(teacher), _tensors(student)):
        if target.is_floating_point():
            averaged.append(target)
            sources.append(source)
        else:
            target.copy_(source)
    # One fused call for all tensors instead of one small kernel each.
    torch._foreach_lerp_(averaged, sources, 1 - decay)


def decay_at(step: int, decay: float, warmup: bool) -> float:
    """Decay of update number ``step`` (from 0).

    With ``warmup`` it rises as ``(1 + step) / (10 + step)`` up to ``decay``, so that in a short run
    the random weights of the first steps do not linger in the average.
    """
    return min(decay, (1 + step) / (10 + step)) if warmup else decay


def _tensors(module: nn.Module) -> list:
    """Parameters and buffers; of sharded ones this process's share, cut alike in both modules."""
    tensors = (tensor.data for tensor in (*module.parameters(), *module.buffers()))
    return [tensor.to_local() if hasattr(tensor, 'to_local') else tensor for tensor in tensors]
