"""Random resized crops and flips of a batch: drawn on the host, cut on the device.

The same crops as ``TrackedRandomResizedCrop`` and ``TrackedRandomFlip`` make one image at a time.
Bicubic resizing is linear and separable, so a crop, its resizing and its flip are two matrices per
image: ``view = rows @ face @ columns^T``, for all images at once.
"""
import math
from dataclasses import dataclass
from typing import Sequence, Tuple

import torch
from torch import Tensor

from .transfer import send

CUBIC = -0.75  # the sharpness of OpenCV's bicubic kernel


@dataclass(frozen=True)
class Crops:
    """Where n views lie in their faces: host tensors (n,), float64, in whole pixels.

    Attributes:
        left: First column.
        top: First row.
        width: At least 1; the crop ends inside the face.
        height: At least 1.
        flip: bool, whether the view is mirrored afterwards.
    """
    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    flip: Tensor

    def __len__(self) -> int:
        return len(self.left)


def draw_crops(count: int,
               shape: Tuple[int, int],
               crop_ratio_range: Sequence[float],
               aspect_ratio_range: Sequence[float] = (3. / 4., 4. / 3.),
               max_attempts: int = 10,
               flip_prob: float = 0.5) -> Crops:
    """Draw crops as mmpretrain's ``RandomResizedCrop`` does, from torch's generator on the host.

    Args:
        count: n.
        shape: Height and width of the faces in pixels.
        crop_ratio_range: Range of the crop's share of the image's area.
        aspect_ratio_range: Range of the crop's width / height.
        max_attempts: Draws of a size, of which the first that fits counts; if none does, the
            crop is the largest central one of an aspect ratio in range.
        flip_prob: Probability of a flip.
    """
    height, width = shape
    attempts = max(max_attempts, 1)
    u_area, u_aspect = torch.rand(2, attempts, count, dtype=torch.float64)
    u_top, u_left, u_flip = torch.rand(3, count, dtype=torch.float64)
    low, high = crop_ratio_range
    area = (low + (high - low) * u_area) * (height * width)
    low, high = map(math.log, aspect_ratio_range)
    aspect = (low + (high - low) * u_aspect).exp()
    widths = (area * aspect).sqrt().round()
    heights = (area / aspect).sqrt().round()
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    fits &= max_attempts > 0
    first = fits.int().argmax(dim=0, keepdim=True)  # 0 where none fits
    crop_w, crop_h = widths.gather(0, first)[0], heights.gather(0, first)[0]
    left = (u_left * (width - crop_w + 1)).floor()
    top = (u_top * (height - crop_h + 1)).floor()

    some = fits.any(dim=0)
    whole_w, whole_h = _central(height, width, aspect_ratio_range)
    return Crops(
        left=torch.where(some, left, float((width - whole_w) // 2)),
        top=torch.where(some, top, float((height - whole_h) // 2)),
        width=torch.where(some, crop_w, float(whole_w)),
        height=torch.where(some, crop_h, float(whole_h)),
        flip=u_flip < flip_prob)


def join(*crops: Crops) -> Crops:
    """The same crops, of all faces one after the other."""
    parts = zip(*(vars(some).values() for some in crops))
    return Crops(*(torch.cat(part) for part in parts))


def _central(height: int, width: int, aspect_ratio_range: Sequence[float]) -> Tuple[int, int]:
    """Width and height of the central crop that is taken where no draw fits."""
    low, high = min(aspect_ratio_range), max(aspect_ratio_range)
    if width / height < low:
        return width, int(round(width / low))
    if width / height > high:
        return int(round(height * high)), height
    return width, height


def cut(faces: Tensor, crops: Crops, size: int) -> Tensor:
    """Crop, resize (bicubic, as OpenCV) and flip.

    Args:
        faces: (n, 3, H, W), 0-255, on any device.
        crops: Of these n faces.
        size: Of the views, in pixels.

    Returns:
        float32 (n, 3, size, size), whole numbers in 0-255.
    """
    # Columns and rows, n each, share one computation.
    start = torch.cat([crops.left, crops.top])
    length = torch.cat([crops.width, crops.height])
    flip = torch.cat([crops.flip, torch.zeros_like(crops.flip)])
    matrix = _resampling(
        send(torch.stack([start, length, flip.double()]).float(), faces.device),
        max(faces.shape[-2:]), size)
    columns, rows = matrix.split(len(faces))
    columns, rows = columns[:, :, :faces.size(3)], rows[:, :, :faces.size(2)]
    narrow = faces.float().flatten(1, 2) @ columns.transpose(1, 2)  # (n, 3 H, size)
    views = rows[:, None] @ narrow.unflatten(1, (3, -1))
    return views.round_().clamp_(0, 255)


def _resampling(crops: Tensor, source: int, size: int) -> Tensor:
    """Matrices (n, size, source) that resize a part of ``source`` pixels to ``size`` pixels.

    As in OpenCV, the crop's outermost pixels are repeated outwards: no pixel beyond it counts.

    Args:
        crops: float32 (3, n): first pixel, number of pixels, and 1 to mirror the result, else 0.
        source: At least first pixel + number of pixels.
        size: Number of rows.
    """
    start, length, flip = crops[..., None]
    out = torch.arange(size, device=crops.device, dtype=crops.dtype)
    out = torch.lerp(out, size - 1 - out, flip)
    place = (out + 0.5) * (length / size) - 0.5
    before = place.floor()
    weights = _cubic_weights(place - before)
    pixel = torch.arange(source, device=crops.device, dtype=crops.dtype)
    matrix = crops.new_zeros(crops.size(1), size, source)
    for tap in range(4):
        index = (before + (tap - 1)).clamp(min=0).minimum(length - 1) + start
        matrix += (index[..., None] == pixel) * weights[..., tap, None]
    return matrix


def _cubic_weights(t: Tensor) -> Tensor:
    """(...,) in [0, 1) -> (..., 4): weights of the pixels at -1, 0, 1 and 2 for place t.

    Keys' kernel: ``(a + 2) d^3 - (a + 3) d^2 + 1`` at a distance d below 1, and
    ``a d^3 - 5 a d^2 + 8 a d - 4 a`` below 2, with d = 1 + t, t, 1 - t and 2 - t written out.
    """
    a = CUBIC
    cubes, squares, firsts, constants = send(torch.tensor([
        [a, a + 2, -a - 2, -a],
        [-2 * a, -a - 3, 2 * a + 3, a],
        [a, 0, -a, 0],
        [0, 1, 0, 0]]), t.device)
    t = t[..., None]
    return ((cubes * t + squares) * t + firsts) * t + constants


def move_boxes(boxes: Tensor, crops: Crops, size: int) -> Tensor:
    """Where face boxes lie in the views.

    Args:
        boxes: (n, 4), host, xyxy in pixels of the faces; NaN where unknown.
        crops: Of these n faces.
        size: Of the views, in pixels.

    Returns:
        float32 (n, 4), in pixels of the views, not clipped to them; NaN stays NaN.
    """
    corners = boxes.double()
    x = (corners[:, 0::2] - crops.left[:, None]) * (size / crops.width)[:, None]
    y = (corners[:, 1::2] - crops.top[:, None]) * (size / crops.height)[:, None]
    x = torch.where(crops.flip[:, None], size - x.flip(1), x)
    return torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], dim=1).float()
