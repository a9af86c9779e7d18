"""Colors, type and lines of the pictures that the tools draw."""
import math
from typing import Optional, Tuple

import matplotlib
import numpy as np
from PIL import ImageDraw, ImageFont

Color = Tuple[int, int, int]

# One color for each of two things that are told apart, in boxes, bars and labels alike.
FIRST, SECOND = (255, 179, 71), (92, 200, 255)
BACKGROUND, CARD, OUTSIDE = (17, 19, 23), (30, 33, 39), (41, 45, 53)
TEXT, MUTED, ALERT = (236, 238, 241), (150, 157, 168), (255, 107, 107)


def draw_line(draw: ImageDraw.ImageDraw, start: Tuple[int, int], end: Tuple[int, int],
              color: Color, dashed: bool = False) -> None:
    """A straight line two pixels wide; dashes of 6 in steps of 11."""
    if not dashed:
        draw.line((*start, *end), color, 2)
        return
    length = math.dist(start, end)
    for begin in np.arange(0, length, 11):
        a, b = begin / length, min(begin + 6, length) / length
        draw.line([(start[k] + t * (end[k] - start[k])) for t in (a, b) for k in (0, 1)], color,
                  2)


def font(size: int, bold: bool = False) -> Optional[ImageFont.FreeTypeFont]:
    """DejaVu Sans of a height in pixels."""
    # matplotlib brings these files along wherever mmengine is installed.
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(f'{matplotlib.get_data_path()}/fonts/ttf/{name}', size)


def shorten(text: str, length: int) -> str:
    """The end of a text that is too long, as that is where file names differ.

    Example:
        >>> shorten('faces/a/0001.jpg', 9)
        '…0001.jpg'
    """
    return text if len(text) <= length else '…' + text[1 - length:]
