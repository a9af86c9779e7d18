"""Position embeddings at another resolution."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor


def grid_side(embedding: Tensor) -> int:
    """Patches per side of a position embedding (1, 1 + side ** 2, C); 0 if its grid is not square.
    """
    side = math.isqrt(embedding.shape[1] - 1)
    return side if side * side == embedding.shape[1] - 1 else 0


def interpolate_position(embedding: Tensor, side: int) -> Tensor:
    """Resample a position embedding to another grid of patches.

    Bicubic, without antialiasing and without aligned corners: what mmpretrain's
    ``VisionTransformer`` does itself when it meets images of another size, so that converting to
    a size and feeding that size agree. (timm filters when it shrinks a grid, with another cubic.)

    Args:
        embedding: (1, 1 + old ** 2, C), the cls token's first.
        side: Patches per side wanted.

    Returns:
        (1, 1 + side ** 2, C) of the same type.
    """
    old = grid_side(embedding)
    if old == side:
        return embedding
    grid = embedding[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid.float(), size=(side, side), mode='bicubic', align_corners=False)
    patches = grid.flatten(2).transpose(1, 2).to(embedding.dtype)
    return torch.cat([embedding[:, :1], patches], dim=1)
