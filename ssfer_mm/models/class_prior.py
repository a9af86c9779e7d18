"""How often each class is among the labeled images."""
import torch
from torch import Tensor, nn

from ssfer_mm.errors import UserError


class ClassPrior(nn.Module):
    """Share (K,) of each class, told once per run by :meth:`SSFER.learn_class_counts`.

    It follows from the data, so it is not part of what is saved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('shares', torch.empty(0), persistent=False)

    def learn(self, counts: Tensor) -> None:
        """Take in the number of labeled images per class (K,); an empty class counts as one."""
        counts = counts.clamp(min=1).to(self.shares)
        self.shares = counts / counts.sum()

    def forward(self) -> Tensor:
        """The shares, which sum to 1.

        Raises:
            UserError: Nobody has told them.
        """
        if not len(self.shares):
            raise UserError('the counts of the labeled classes are not known: train with '
                            'TwoStageFinetuneHook among custom_hooks, or call '
                            'model.learn_class_counts(counts)')
        return self.shares
