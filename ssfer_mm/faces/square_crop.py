"""Square crops around faces."""
from typing import Sequence, Tuple

import cv2
import numpy as np

from ssfer_mm.errors import UserError

Square = Tuple[int, int, int, int]


def square_around(box: Sequence[float], margin: float = 0.25) -> Square:
    """A square of whole pixels around a face.

    Args:
        box: (x1, y1, x2, y2) of the face in pixels.
        margin: What is added on each side, as a share of the box's longer edge; a negative one
            cuts the outermost part of the face off.

    Returns:
        (x1, y1, x2, y2) about the box's middle; it may reach past the image.

    Raises:
        UserError: The margin is out of range.

    Example:
        >>> square_around((10, 10, 30, 50), 0.25)
        (-10, 0, 50, 60)
    """
    if not -0.4 <= margin <= 10:
        raise UserError(f'--margin {margin}: give a share of the face box from -0.4 to 10, e.g. '
                        '0.25')
    x1, y1, x2, y2 = box
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    return left, top, left + side, top + side


def cut_square(image: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cut out a square and resize it.

    What lies past the image is filled by repeating its outermost pixels.

    Args:
        image: uint8 (H, W, C).
        square: (x1, y1, x2, y2) in whole pixels, not empty.
        size: Edge of the result in pixels.

    Returns:
        uint8 (size, size, C); shrunk by averaging, enlarged bicubically.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = square
    inside = image[max(y1, 0):min(y2, height), max(x1, 0):min(x2, width)]
    if inside.shape[:2] == (y2 - y1, x2 - x1):
        cut = inside.copy() if x2 - x1 == size else inside
    else:
        rows = np.arange(y1, y2).clip(0, height - 1)
        columns = np.arange(x1, x2).clip(0, width - 1)
        cut = image.take(rows, axis=0).take(columns, axis=1)
    if x2 - x1 == size:
        return cut
    method = cv2.INTER_AREA if x2 - x1 > size else cv2.INTER_CUBIC
    return cv2.resize(cut, (size, size), interpolation=method)
