"""Several processes agree on the iteration to stop at."""
from typing import Optional, Tuple

import torch
from torch import Tensor
from torch import distributed as dist


class StopVote:
    """Whether any process of the run has been asked to stop, with the same answer in all.

    To be made and called in every process alike; a yes stands. The votes travel beside the
    training, on the CPU, in a group of their own. A process that ends while one is under way can
    wait for it in vain (seen with PyTorch 2.6): after a yes there is none, nor after `now`, and
    `finish` hears the last one.
    """

    def __init__(self) -> None:
        self._group = dist.new_group(backend='gloo')
        self._under_way: Optional[Tuple[Tensor, dist.Work]] = None
        self._yes = False

    def earlier(self, asked: bool) -> bool:
        """What came of the votes before this one, so that nobody waits for the others now."""
        if not self.finish():
            vote = torch.tensor([int(asked)])
            self._under_way = vote, dist.all_reduce(
                vote, dist.ReduceOp.MAX, group=self._group, async_op=True)
        return self._yes

    def now(self, asked: bool) -> bool:
        """What comes of this vote."""
        self.earlier(asked)
        return self.finish()

    def finish(self) -> bool:
        """What came of the votes so far; then none is under way."""
        if self._under_way is not None:
            vote, work = self._under_way
            work.wait()
            self._yes, self._under_way = bool(vote), None
        return self._yes
