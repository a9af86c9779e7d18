"""Which strong views enter the student where rejected ones stay out."""
import torch
from torch import Tensor

SIZES = 32


def kept_views(weights: Tensor, beside: int, least: int = 0) -> Tensor:
    """The views that have a pseudo-label, and a few rejected ones that fill the batch up.

    Without them nearly every step would have a batch of another size, and memory on a CPU would
    grow with the sizes that it has seen (docs/performance.md). With them there are at most
    ``SIZES``. A rejected view has weight 0, so that it changes no gradient, only batch statistics.

    Args:
        weights: (N,), of the pseudo-labels; 0 where rejected.
        beside: How many labeled images are in the same batch.
        least: How many images the batch must have at least; N + ``beside`` where it is more.

    Returns:
        (M,), the index of the views, the surest first, M <= N.
    """
    most = beside + len(weights)
    piece = -(-most // SIZES)
    wanted = max(least, beside + int((weights > 0).sum()))
    size = min(most, -(-wanted // piece) * piece)
    return torch.argsort(weights, descending=True, stable=True)[:size - beside]
