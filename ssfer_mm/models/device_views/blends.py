"""Color operations that look at several channels, or at several pixels.

Both follow mmcv's functions on uint8 images: ``color`` rounds, ``sharpness`` rounds down.
"""
from typing import Callable, Dict

import torch.nn.functional as F
from torch import Tensor

from .tables import grey


def color(images: Tensor, magnitude: Tensor) -> Tensor:
    """Away from the grey image (magnitude > 0), or towards it; (n, 3, H, W), magnitudes (n,)."""
    factor = 1 + magnitude[:, None, None, None]
    return (images * factor + grey(images)[:, None] * (1 - factor)).round_().clamp_(0, 255)


def sharpness(images: Tensor, magnitude: Tensor) -> Tensor:
    """Away from a smoothed image (magnitude > 0), or towards it."""
    factor = 1 + magnitude[:, None, None, None]
    # The kernel is ones around a five, divided by their sum.
    around = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode='reflect'), 3, stride=1,
                          divisor_override=1)
    smooth = ((around + 4 * images) / 13).round_()
    return (images * factor + smooth * (1 - factor)).clamp_(0, 255).floor_()


BLENDS: Dict[str, Callable[[Tensor, Tensor], Tensor]] = dict(
    ColorTransform=color, Sharpness=sharpness)
