"""Images of any size into one square, by resizing and padding alone."""
from typing import Tuple

import cv2
import numpy as np

PAD_VALUE = 114  # the grey that mmdet's YOLOX and RTMDet are trained with


def resize_longer_side(image: np.ndarray, size: int) -> Tuple[np.ndarray, Tuple[float, float]]:
    """Resize so that the longer side has ``size`` pixels, keeping the ratio.

    Shrinking averages over the pixels that vanish: a small face in a large photo would otherwise
    be sampled to pieces.

    Args:
        image: uint8 (H, W, 3). Returned as it is where its size already fits.
        size: In pixels.

    Returns:
        The resized image, no side below one pixel; and the exact factors (width, height) by which
        its coordinates were scaled, which rounding to whole pixels makes differ a little.
    """
    height, width = image.shape[:2]
    ratio = size / max(height, width)
    new_width, new_height = max(1, round(width * ratio)), max(1, round(height * ratio))
    if (new_height, new_width) != (height, width):
        method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, (new_width, new_height), interpolation=method)
    return image, (new_width / width, new_height / height)


def letterbox(image: np.ndarray, size: int) -> Tuple[np.ndarray, Tuple[float, float]]:
    """Fit an image into the top left corner of a grey square.

    Args:
        image: uint8 (H, W, 3).
        size: Side of the square in pixels.

    Returns:
        uint8 (size, size, 3), a copy; and the factors of :func:`resize_longer_side`. A box in the
        square, divided by (x, y, x, y) factors, is in pixels of the image.

    Example:
        >>> square, factors = letterbox(np.zeros((100, 200, 3), np.uint8), 64)
        >>> square.shape, factors, int(square[40, 0, 0])
        ((64, 64, 3), (0.32, 0.32), 114)
    """
    resized, factors = resize_longer_side(image, size)
    square = np.full((size, size, 3), PAD_VALUE, dtype=np.uint8)
    square[:resized.shape[0], :resized.shape[1]] = resized
    return square, factors
