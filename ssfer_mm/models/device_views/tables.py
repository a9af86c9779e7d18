"""Color operations that look at one pixel of one channel: tables of 256 entries.

Each operation follows mmcv's function on uint8 images, rounding down where it does.
"""
from typing import Callable, Dict

import torch
from torch import Tensor

LEVELS = torch.arange(256, dtype=torch.float32)
# Shares of B, G and R in a grey value.
GREY = (0.114, 0.587, 0.299)


def grey(images: Tensor) -> Tensor:
    """Grey values (n, H, W), whole numbers, of BGR images (n, 3, H, W)."""
    blue, green, red = images.unbind(1)
    return (blue * GREY[0] + green * GREY[1] + red * GREY[2]).round_()


# ---- tables that do not depend on the image: magnitudes (n, 1) -> (n, 256), on the host --------

def invert(magnitude: Tensor) -> Tensor:
    return (255 - LEVELS).expand(len(magnitude), -1)


def posterize(bits: Tensor) -> Tensor:
    step = 2 ** (8 - bits.ceil())
    return (LEVELS / step).floor() * step


def solarize(threshold: Tensor) -> Tensor:
    return torch.where(LEVELS < threshold, LEVELS, 255 - LEVELS)


def solarize_add(addend: Tensor) -> Tensor:
    return torch.where(LEVELS < 128, (LEVELS + addend).clamp(max=255).floor(), LEVELS)


def brightness(magnitude: Tensor) -> Tensor:
    return (LEVELS * (1 + magnitude)).clamp(0, 255).floor()


FIXED: Dict[str, Callable[[Tensor], Tensor]] = dict(
    Invert=invert, Posterize=posterize, Solarize=solarize, SolarizeAdd=solarize_add,
    Brightness=brightness)


# ---- tables of the image: images (n, 3, H, W), magnitudes (n,), both on the device ------------

def auto_contrast(images: Tensor, magnitude: Tensor) -> Tensor:
    """Each channel's darkest value becomes 0, its lightest 255. Returns (n, 3, 256)."""
    low, high = images.flatten(2).aminmax(dim=2, keepdim=True)
    levels = LEVELS.to(images.device)
    # Products of whole numbers below 2^16: exact.
    stretched = ((levels - low) * 255).div(high - low, rounding_mode='floor').clamp(0, 255)
    return torch.where(high > low, stretched, levels)


def equalize(images: Tensor, magnitude: Tensor) -> Tensor:
    """Each channel's histogram becomes as even as can be. Returns (n, 3, 256)."""
    pixels = images.flatten(2).long()
    # Whole numbers: their sum is the same in any order.
    counts = pixels.new_zeros(*pixels.shape[:2], 256).scatter_add_(
        2, pixels, torch.ones_like(pixels))
    lightest = counts.gather(2, pixels.amax(dim=2, keepdim=True))
    step = (pixels.size(2) - lightest).div(255, rounding_mode='floor')
    below = counts.cumsum(dim=2) - counts
    table = (below + step // 2).div(step.clamp(min=1), rounding_mode='floor').clamp(max=255)
    return torch.where(step > 0, table.float(), LEVELS.to(images.device))


def contrast(images: Tensor, magnitude: Tensor) -> Tensor:
    """Away from the image's mean grey, or towards it. Returns (n, 3, 256)."""
    mean = grey(images).mean(dim=(1, 2)).round_()
    levels, factor = LEVELS.to(images.device), 1 + magnitude[:, None]
    table = (levels * factor + mean[:, None] * (1 - factor)).clamp(0, 255).floor()
    return table[:, None].expand(-1, 3, -1)


OF_IMAGE: Dict[str, Callable[[Tensor, Tensor], Tensor]] = dict(
    AutoContrast=auto_contrast, Equalize=equalize, Contrast=contrast)
