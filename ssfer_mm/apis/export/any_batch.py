"""What exporters would fix to the size of their example batch."""
import contextlib
from collections.abc import Iterator

from mmpretrain.models.backbones.mixmim import MixMIMBlock
from mmpretrain.models.utils import ShiftWindowMSA
from torch import Tensor

COUNTING = (ShiftWindowMSA, MixMIMBlock)


@contextlib.contextmanager
def any_batch() -> Iterator[None]:
    """Within, windows of Swin and MixMIM are put together again without counting the images.

    mmpretrain counts them with ``int()``, of which an exporter sees the result only.
    """
    originals = [kind.window_reverse for kind in COUNTING]
    for kind in COUNTING:
        kind.window_reverse = staticmethod(window_reverse)
    try:
        yield
    finally:
        for kind, original in zip(COUNTING, originals):
            kind.window_reverse = staticmethod(original)


def window_reverse(windows: Tensor, height: int, width: int, side: int) -> Tensor:
    """(B * windows, side, side, C) -> (B, height, width, C)."""
    channels = windows.shape[-1]
    grid = windows.view(-1, height // side, width // side, side, side, channels)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)
