"""The teacher's weights: an exponential moving average of the student's."""
import torch
from torch import nn


class MovingAverage:
    """Moves every parameter and buffer of ``teacher`` towards ``student``, in place.

    ``t <- decay * t + (1 - decay) * s``; integer buffers (batch counters) are copied.

    What a module of the teacher has computed from its weights in advance is computed anew.

    Which tensors these are is found once, because walking through the modules takes longer than
    the arithmetic; make a new one after anything that replaces tensors, such as ``Module.to``.

    Args:
        teacher: A module with the same structure as ``student``.
        student: The module being trained.
        steps: Updates that were made before.

    Attributes:
        steps: Updates so far.
        lasting: It may be used for many steps. Not so with sharded parameters, whose local tensors
            come and go.
    """

    def __init__(self, teacher: nn.Module, student: nn.Module, steps: int = 0) -> None:
        self.steps = steps
        self.lasting = not any(hasattr(p, 'to_local') for p in student.parameters())
        pairs = list(zip(_tensors(teacher), _tensors(student), strict=True))
        averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        copied = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._averaged = [list(side) for side in zip(*averaged)]
        self._copied = [list(side) for side in zip(*copied)]
        self._derived = [module for module in teacher.modules() if _keeps_results(module)]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """One step; ``decay`` is in [0, 1]: 0 copies the student, 1 leaves the teacher alone."""
        # One fused call for all tensors instead of one small kernel each.
        if self._averaged:
            torch._foreach_lerp_(*self._averaged, 1 - decay)
        if self._copied:
            torch._foreach_copy_(*self._copied)
        for module in self._derived:
            module.eval()
        self.steps += 1


def decay_at(step: int, decay: float, warmup: bool) -> float:
    """Decay of update number ``step`` (from 0).

    With ``warmup`` it rises as ``(1 + step) / (10 + step)`` up to ``decay``, so that in a short run
    the random weights of the first steps do not linger in the average.
    """
    return min(decay, (1 + step) / (10 + step)) if warmup else decay


def _keeps_results(module: nn.Module) -> bool:
    """Whether it computes a tensor from its weights in ``eval()``, and predicts with that.

    The attention of LeViT, TinyViT and EfficientFormer does, with its biases; it would go on with
    those of the weights that the teacher had when the epoch began.
    """
    return (not module.training and type(module).train is not nn.Module.train
            and any(isinstance(value, torch.Tensor) for value in vars(module).values()))


def _tensors(module: nn.Module) -> list:
    """Parameters and buffers; of sharded ones this process's share, cut alike in both modules."""
    tensors = (tensor.data for tensor in (*module.parameters(), *module.buffers()))
    return [tensor.to_local() if hasattr(tensor, 'to_local') else tensor for tensor in tensors]
