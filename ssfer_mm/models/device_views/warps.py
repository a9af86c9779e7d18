"""Rotation, shear and translation of a batch, all in one resampling.

As mmcv does with ``cv2.warpAffine``, bicubic: shears keep the first row or column in its place,
rotations turn about the center, and what comes from outside has ``pad_val``. OpenCV rounds places
to 1/32 pixel; here they are exact.
"""
from typing import Callable, Dict, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .transfer import send

# Each takes magnitudes (n,) and the image's (height, width), and sets in matrices (n, 2, 3),
# identities at first, where a pixel of the result comes from, in pixel indices.
Setter = Callable[[Tensor, Tensor, Tuple[int, int]], None]


def rotate(matrix: Tensor, angle: Tensor, shape: Tuple[int, int]) -> None:
    """By ``angle`` degrees, clockwise."""
    cos, sin = torch.cos(torch.deg2rad(angle)), torch.sin(torch.deg2rad(angle))
    y, x = ((extent - 1) / 2 for extent in shape)
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 0, 2] = cos, sin, x - cos * x - sin * y
    matrix[:, 1, 0], matrix[:, 1, 1], matrix[:, 1, 2] = -sin, cos, y + sin * x - cos * y


def shear_x(matrix: Tensor, magnitude: Tensor, shape: Tuple[int, int]) -> None:
    """Row y moves to the right by ``magnitude * y`` pixels."""
    matrix[:, 0, 1] = -magnitude


def shear_y(matrix: Tensor, magnitude: Tensor, shape: Tuple[int, int]) -> None:
    """Column x moves down by ``magnitude * x`` pixels."""
    matrix[:, 1, 0] = -magnitude


def translate_x(matrix: Tensor, magnitude: Tensor, shape: Tuple[int, int]) -> None:
    """To the right by ``magnitude`` of the width."""
    matrix[:, 0, 2] = -magnitude * shape[1]


def translate_y(matrix: Tensor, magnitude: Tensor, shape: Tuple[int, int]) -> None:
    """Down by ``magnitude`` of the height."""
    matrix[:, 1, 2] = -magnitude * shape[0]


WARPS: Dict[str, Setter] = {
    'Rotate': rotate, 'Shear horizontal': shear_x, 'Shear vertical': shear_y,
    'Translate horizontal': translate_x, 'Translate vertical': translate_y}


def identities(count: int) -> Tensor:
    """Matrices (count, 2, 3), float64, that move nothing."""
    matrix = torch.zeros(count, 2, 3, dtype=torch.float64)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1
    return matrix


def warp(images: Tensor, matrix: Tensor, pad_val: Tensor) -> Tensor:
    """Resample.

    Args:
        images: float32 (n, 3, H, W), 0-255.
        matrix: float64 (n, 2, 3), on the host: pixel indices of the result -> of ``images``.
        pad_val: (3, 1, 1), what lies outside, on the images' device.

    Returns:
        (n, 3, H, W), whole numbers in 0-255.
    """
    theta = send(_normalized(matrix, images.shape[-2:]).float(), images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    # Zeros are what grid_sample finds outside.
    moved = F.grid_sample(images - pad_val, grid, mode='bicubic', padding_mode='zeros',
                          align_corners=False)
    return moved.add_(pad_val).round_().clamp_(0, 255)


def _normalized(matrix: Tensor, shape: Tuple[int, int]) -> Tensor:
    """The same motion in the coordinates of ``affine_grid``: -1 to 1 from edge to edge."""
    extent = torch.tensor([shape[1], shape[0]], dtype=torch.float64)
    center = (extent - 1) / 2
    linear = matrix[:, :, :2]
    shift = linear @ center + matrix[:, :, 2] - center
    return torch.cat([linear * extent / extent[:, None], (2 * shift / extent)[..., None]], dim=2)
