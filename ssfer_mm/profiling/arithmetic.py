"""The arithmetic of a training step, counted instead of timed."""
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
# They allocate or rename memory and touch none of it. Views tell so themselves, by their schema.
UNTOUCHED = {aten.empty, aten.empty_like, aten.empty_strided, aten._unsafe_view, aten.new_empty,
             aten.new_empty_strided, aten.detach, aten.lift_fresh}


@dataclass(frozen=True)
class Work:
    """What a piece of training asks of a machine.

    Attributes:
        flops: Operations of matrix products, convolutions and attention, two per multiply-add.
        bytes: Read and written by everything else, each operation by itself: element-wise
            operations, norms, softmax, copies, casts. Fused ones touch less.
        operations: Calls that do something; on a GPU each is at least one kernel.
    """
    flops: float = 0.
    bytes: float = 0.
    operations: float = 0.

    def __add__(self, other: 'Work') -> 'Work':
        return Work(self.flops + other.flops, self.bytes + other.bytes,
                    self.operations + other.operations)

    def __sub__(self, other: 'Work') -> 'Work':
        return self + other.times(-1)

    def times(self, factor: float) -> 'Work':
        """The same, so many times."""
        return Work(factor * self.flops, factor * self.bytes, factor * self.operations)


@dataclass(frozen=True)
class StepWork:
    """Work of a training step, by what it grows with.

    Attributes:
        per_image: Grows with the batch; its ``operations`` are 0.
        per_step: The same for every batch: gradients and optimizer, and the number of calls.
    """
    per_image: Work
    per_step: Work

    def of(self, images: int) -> Work:
        """Of a step with so many images."""
        return self.per_image.times(images) + self.per_step


def count(work: Callable[[], object]) -> Work:
    """Do ``work`` once and count it, backward passes included.

    Example:
        >>> a = torch.zeros(10, 20)
        >>> count(lambda: a @ a.T).flops  # 2 x 10 x 20 x 10
        4000.0
    """
    with _Counter() as counter:
        work()
    return counter.work


def count_step(step: Callable[[int], object], update: Callable[[], object],
               small: int = 1) -> StepWork:
    """Count a step with two batch sizes, and so what each image adds to it.

    Args:
        step: Forward and backward pass of so many images; leaves gradients.
        update: What the optimizer does with them.
        small: The smaller batch; the other one is twice as large.
    """
    one, two = count(lambda: step(small)), count(lambda: step(2 * small))
    each = (two - one).times(1 / small)
    each = Work(each.flops, each.bytes)
    return StepWork(each, one - each.times(small) + count(update))


class _Counter(TorchDispatchMode):
    """Sees every operation that reaches a device."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        packet = func._overloadpacket
        if packet in OWN_FLOPS:
            self.work += Work(OWN_FLOPS[packet](args), 0, 1)
        elif packet in flop_registry:
            flops = flop_registry[packet](*args, **kwargs, out_val=result)
            self.work += Work(float(flops), 0, 1)
        elif packet not in UNTOUCHED and not _is_view(func):
            touched = sum(map(_bytes, tree_leaves((args, kwargs, result))))
            if not func._schema.returns:  # it writes into its arguments
                touched += sum(_bytes(leaf) for argument, value in zip(func._schema.arguments, args)
                               if argument.alias_info is not None for leaf in tree_leaves(value))
            self.work += Work(0, touched, 1)
        return result


def _is_view(func) -> bool:
    returns = func._schema.returns
    return bool(returns) and all(
        value.alias_info is not None and not value.alias_info.is_write for value in returns)


def _bytes(leaf: object) -> float:
    if not isinstance(leaf, Tensor):
        return 0.
    # Broadcast dimensions are stored once and read from the cache.
    kept = prod(size for size, stride in zip(leaf.shape, leaf.stride()) if stride)
    return float(kept * leaf.element_size())


def _attention(args: tuple) -> float:
    """Of softmax(q k^T) v for (B, H, T, D): two products."""
    q, k, v = args[:3]
    return 2. * prod(q.shape[:3]) * k.shape[2] * (q.shape[3] + v.shape[3])


def _attention_backward(args: tuple) -> float:
    """Scores anew, and a gradient for each factor of both products: five products."""
    _, q, k, v = args[:4]
    return 2. * prod(q.shape[:3]) * k.shape[2] * (3 * q.shape[3] + 2 * v.shape[3])


# torch counts its GPU kernels only.
OWN_FLOPS = {
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
