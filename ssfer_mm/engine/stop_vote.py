"""Several processes agree on the iteration to stop at."""
from typing import Optional, Tuple

import torch
from torch import Tensor
from torch import distributed as dist


class StopVote:
    """Whether any process of the run has been asked to stop, with the same answer in all.

    To be made and called in every process alike. The votes travel beside the training, on the CPU,
    in a group of their own.
    """

    def __init__(self) -> None:
        self._group = dist.new_group(backend='gloo')
        self._under_way: Optional[Tuple[Tensor, dist.Work]] = None

    def earlier(self, asked: bool) -> bool:
        """What came of the vote before this one, so that nobody waits for the others now."""
        before = self._under_way
        vote = torch.tensor([int(asked)])
        self._under_way = vote, dist.all_reduce(
            vote, dist.ReduceOp.MAX, group=self._group, async_op=True)
        if before is None:
            return False
        before[1].wait()
        return bool(before[0])

    def now(self, asked: bool) -> bool:
        """What comes of this vote."""
        self.earlier(asked)
        return self.earlier(asked)
