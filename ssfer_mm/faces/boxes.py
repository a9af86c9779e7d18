"""Geometry of axis-aligned boxes: pure functions on numpy arrays, torch tensors or numbers.

Coordinates are continuous. Pixel ``i`` covers the interval ``[i, i + 1)``, so an image of width
``w`` spans ``[0, w]`` and its first pixel has its center at 0.5. A box is ``(x1, y1, x2, y2)`` in
pixels, with width ``x2 - x1`` (nothing is added) and may lie partly or wholly outside the image.
A box of four NaN means "no box known" and stays NaN through every function here.

A view of an image is described by a (3, 3) matrix that maps raw-image coordinates, as column
vectors ``(x, y, 1)``, to view coordinates. A later step is multiplied from the left. ``cv2.resize``
samples at pixel centers, which makes resizing a pure scaling in these coordinates.
"""
from typing import Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

Boxes = Union[np.ndarray, Tensor]


def crop_resize_matrix(x0: float, y0: float, w: float, h: float, out_w: float,
                       out_h: float) -> np.ndarray:
    """Matrix of "cut out ``w`` x ``h`` pixels at ``(x0, y0)``, resize to ``out_w`` x ``out_h``".

    Returns:
        float64 (3, 3).

    Example:
        >>> crop_resize_matrix(10, 0, 20, 40, 40, 40) @ [10, 40, 1]
        array([ 0., 40.,  1.])
    """
    sx, sy = out_w / w, out_h / h
    return np.array([[sx, 0., -x0 * sx], [0., sy, -y0 * sy], [0., 0., 1.]])


def flip_matrix(width: float, height: float = 0., direction: str = 'horizontal') -> np.ndarray:
    """Matrix of a mirror image: ``x -> width - x`` and / or ``y -> height - y``.

    Args:
        width: Width of the image in pixels.
        height: Height in pixels; used by the directions ``vertical`` and ``diagonal`` only.
        direction: ``horizontal``, ``vertical`` or ``diagonal`` (both at once).

    Returns:
        float64 (3, 3).

    Raises:
        ValueError: Unknown direction.

    Example:
        >>> flip_matrix(48) @ [0, 7, 1]
        array([48.,  7.,  1.])
    """
    if direction not in ('horizontal', 'vertical', 'diagonal'):
        raise ValueError(f"direction is {direction!r}: use 'horizontal', 'vertical' or 'diagonal'")
    matrix = np.eye(3)
    if direction != 'vertical':
        matrix[0, 0], matrix[0, 2] = -1., width
    if direction != 'horizontal':
        matrix[1, 1], matrix[1, 2] = -1., height
    return matrix


def transform_box(box: Sequence[float], matrix: np.ndarray) -> Tuple[float, float, float, float]:
    """Smallest axis-aligned box around the transformed corners of ``box``.

    Exact for crops, flips and resizes; for a rotation or shear the hull is larger than the face.
    Plain numbers take a tenth of the time of arrays.

    Args:
        box: xyxy in pixels of the source image.
        matrix: (3, 3), affine, source coordinates to target coordinates.

    Returns:
        xyxy in target pixels, not clipped.

    Example:
        >>> transform_box((0, 0, 10, 20), flip_matrix(48))
        (38.0, 0.0, 48.0, 20.0)
    """
    # A coordinate is smallest where each of its terms is: at the box's low side if the factor is
    # positive, at its high side if it is negative.
    x1, y1, x2, y2 = map(float, box)
    spans = []
    for a, b, shift in matrix[:2].tolist():
        ax, bx = (a * x1, a * x2) if a > 0 else (a * x2, a * x1)
        ay, by = (b * y1, b * y2) if b > 0 else (b * y2, b * y1)
        spans.append((ax + ay + shift, bx + by + shift))
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def clip_boxes(boxes: Boxes, shape: Tuple[int, int]) -> Boxes:
    """The part of each box that lies inside an image of ``shape`` (height, width).

    Args:
        boxes: (..., 4), xyxy in pixels.
        shape: Height and width of the image in pixels.

    Returns:
        (..., 4); a box wholly outside becomes one of zero area on the border.

    Example:
        >>> clip_boxes(np.array([-5., 10., 60., 20.]), (48, 48))
        array([ 0., 10., 48., 20.])
    """
    height, width = shape
    if isinstance(boxes, np.ndarray):
        limit = np.array([width, height, width, height], dtype=boxes.dtype)
        return np.clip(boxes, 0, limit)
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def box_area(boxes: Boxes) -> Boxes:
    """Area in square pixels, (..., 4) -> (...). A box with ``x2 < x1`` or ``y2 < y1`` has none."""
    w, h = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    if isinstance(boxes, np.ndarray):
        return np.maximum(w, 0) * np.maximum(h, 0)
    return w.clamp(min=0) * h.clamp(min=0)


def paired_iou(a: Boxes, b: Boxes) -> Tensor:
    """Intersection over union of box ``i`` of ``a`` with box ``i`` of ``b``.

    Args:
        a: (N, 4), xyxy in pixels.
        b: (N, 4), in the same coordinates.

    Returns:
        Tensor (N,) in [0, 1]. A box without area gives 0, a NaN in either box gives NaN.

    Raises:
        ValueError: Different shapes.

    Example:
        >>> paired_iou(np.array([[0., 0., 2., 1.]]), np.array([[1., 0., 3., 1.]]))
        tensor([0.3333], dtype=torch.float64)
    """
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    if a.shape != b.shape or a.shape[-1] != 4:
        raise ValueError(f'boxes have shapes {tuple(a.shape)} and {tuple(b.shape)}: '
                         'give two arrays of the same shape (N, 4)')
    inner = torch.cat((torch.maximum(a[..., :2], b[..., :2]),
                       torch.minimum(a[..., 2:], b[..., 2:])), dim=-1)
    both = box_area(inner)
    either = box_area(a) + box_area(b) - both
    iou = both / torch.where(either > 0, either, torch.ones_like(either))
    return iou.clamp(max=1)
