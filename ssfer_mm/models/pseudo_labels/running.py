"""Running statistics of a rule: the same in every process, and saved with the model."""
from typing import Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from ssfer_mm.ranges import check_number

from ..ema import decay_at


class RunningMean(nn.Module):
    """Exponential moving average ``v <- m v + (1 - m) x``, one step per batch.

    Args:
        start: The values before the first batch, any shape.
        momentum: m, in [0, 1].
        warmup: Let m rise as ``(1 + t) / (10 + t)`` over the first batches, so that ``start`` is
            forgotten soon (see :func:`decay_at`).

    Raises:
        UserError: The momentum is out of range.
    """

    def __init__(self, start: Sequence[float], momentum: float, warmup: bool) -> None:
        super().__init__()
        check_number('RunningMean', 'momentum', momentum, high=1)
        self.momentum, self.warmup = momentum, warmup
        self.register_buffer('value', torch.tensor(start, dtype=torch.float32))
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, now: Tensor) -> Tensor:
        """Take in this batch's values, equal in all processes, and return the average.

        Values that are not finite are left out.
        """
        # Reading the counter would make a GPU wait, so it is read only where it matters.
        step = int(self.steps) if self.warmup else 0
        # float16 can overflow in the teacher alone; once in here, NaN would never leave again.
        now = torch.where(now.isfinite(), now.to(self.value), self.value)
        self.value.lerp_(now, 1 - decay_at(step, self.momentum, self.warmup))
        self.steps += 1
        return self.value


@torch.no_grad()
def mean_over_processes(mean: Tensor) -> Tensor:
    """The mean over all images of the batch, from the mean of this process's equal share."""
    mean = mean.detach().float().clone()
    if get_world_size() > 1:
        all_reduce(mean, op='mean')
    return mean
