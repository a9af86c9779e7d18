"""Drawing boxes and expressions into an image, quickly enough for video."""
import unicodedata
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

from .results import Box, FaceResult, ImageResult

Rectangle = Tuple[int, int, int, int]  # x1, y1, x2, y2 in whole pixels

FACE = cv2.FONT_HERSHEY_SIMPLEX
SMALLEST = 0.3  # scale of letters that one can still read
LEGIBLE = 192  # pixels of an edge along which the smallest letters write a class and its share
INK, PLATE, MUTED = (255, 255, 255), (23, 19, 17), (200, 190, 180)
# Letters that are no plain ones with an accent.
SPELLINGS = str.maketrans({'ß': 'ss', 'æ': 'ae', 'Æ': 'Ae', 'œ': 'oe', 'Œ': 'Oe', 'ø': 'o',
                           'Ø': 'O', 'ł': 'l', 'Ł': 'L', 'ı': 'i'})
# BGR, one for each class in its order, told apart on skin and hair.
COLORS = ((200, 200, 200), (71, 179, 255), (255, 160, 80), (80, 230, 250), (230, 110, 190),
           (90, 190, 90), (80, 80, 240), (150, 130, 60))


def draw_result(image: np.ndarray, result: ImageResult, top: int = 3,
                zoom: float = 1.) -> np.ndarray:
    """Draw boxes and the most probable expressions.

    Args:
        image: uint8 (H, W, 3) BGR, at the result's size or reduced. Not changed.
        result: What was found in it.
        top: How many expressions to name per face.
        zoom: Of lines and letters, beyond what suits the size of the image.

    Returns:
        A copy with the drawing, of the same size.
    """
    canvas = image.copy()
    height, width = canvas.shape[:2]
    factor = width / result.size[0] if result.size else 1.
    scale = zoom * float(np.clip(min(height, width) / 900, 0.35, 2.))
    boxes = [_pixels(face.box, factor) for face in result.faces]
    for face, box in zip(result.faces, boxes):
        cv2.rectangle(canvas, box[:2], box[2:], _color(face), max(1, round(3 * scale)),
                      cv2.LINE_AA)
    taken: List[Rectangle] = []
    for number, face in enumerate(result.faces):  # the best one first, which finds the most room
        others = boxes[:number] + boxes[number + 1:]
        text, plate = _placed(_lines(face, top), boxes[number], others + taken, scale,
                              canvas.shape[:2])
        _write(canvas, text, plate, _color(face))
        taken.append(plate)
    return canvas


def legible(image: np.ndarray) -> np.ndarray:
    """A picture to draw into: one too small for words is enlarged by a whole number.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        The same pixels, each several times, such that the longer edge has at least `LEGIBLE`; the
        image itself if it has.
    """
    times = enlargement(image.shape[:2])
    return image if times == 1 else image.repeat(times, axis=0).repeat(times, axis=1)


def enlargement(edges: Tuple[int, int]) -> int:
    """How many times as large :func:`legible` makes a picture with such edges in pixels."""
    return -(-LEGIBLE // max(edges))


def _pixels(box: Box, factor: float) -> Rectangle:
    """A face's box in pixels of what is drawn into; far outside is far enough."""
    return tuple(int(np.clip(round(edge * factor), -1e6, 1e6)) for edge in box)


def _color(face: FaceResult) -> Tuple[int, int, int]:
    return COLORS[list(face.probabilities).index(face.label) % len(COLORS)]


def _lines(face: FaceResult, top: int) -> List[str]:
    # What would be written as 0 % only hides the picture.
    lines = [f'{name} {100 * share:.0f}%' for name, share in face.top(top) if share >= 0.005]
    if lines and face.track is not None:
        lines[0] = f'#{face.track} {lines[0]}'
    return lines


def drawable(text: str) -> str:
    """The same in ASCII, which is all that OpenCV draws: accents are dropped, and what has no
    letters of its own there is ``?``.

    Example:
        >>> drawable('glücklich, größer, 怒り')
        'glucklich, grosser, ??'
    """
    letters = unicodedata.normalize('NFKD', text.translate(SPELLINGS))
    plain = ''.join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.encode('ascii', 'replace').decode()


class _Text:
    """Lines of writing, and the size in pixels of the plate that they take."""

    def __init__(self, lines: Sequence[str], scale: float) -> None:
        self.lines, self.scale = lines, scale
        self.thickness = max(1, round(1.6 * scale))
        self.pad = max(2, round(6 * scale))
        sizes = [cv2.getTextSize(line, FACE, scale, self.thickness) for line in lines]
        self.step = max((size[1] for size, _ in sizes), default=0) + round(1.4 * self.pad)
        # What hangs below the line of writing, such as the tail of a g, needs room, too.
        tail = max((below for _, below in sizes), default=0)
        self.wide = max((size[0] for size, _ in sizes), default=0) + 2 * self.pad
        self.high = self.step * len(lines) + max(self.pad, tail)


def _placed(lines: Sequence[str], box: Rectangle, taken: Sequence[Rectangle], scale: float,
            shape: Tuple[int, int]) -> Tuple[_Text, Rectangle]:
    """What to write about a face, and where: beside it or, if it is large, in its lower part; in a
    crowd only the first line, at last in letters so small that it stays inside the box."""
    lines = [drawable(line) for line in lines]
    left, top, right, bottom = (int(np.clip(edge, 0, most))
                                for edge, most in zip(box, (*shape[::-1], *shape[::-1])))
    text = _Text(lines, scale)
    plate = _free_place(box, text, shape, taken)
    if plate is None and text.wide <= right - left and 3 * text.high <= bottom - top:
        plate = left, bottom - text.high, left + text.wide, bottom
        plate = None if any(_overlap(plate, other) for other in taken) else plate
    if plate is None and len(lines) > 1:
        text = _Text(lines[:1], scale)
        plate = _free_place(box, text, shape, taken)
    if plate is None:
        text = _Text(lines[:1], max(SMALLEST, scale * min(1., (right - left) / text.wide)))
        x = int(np.clip(left, 0, max(0, shape[1] - text.wide)))
        y = int(np.clip(bottom - text.high, 0, max(0, shape[0] - text.high)))
        plate = x, y, x + text.wide, y + text.high
    return text, plate


def _free_place(box: Rectangle, text: _Text, shape: Tuple[int, int],
                taken: Sequence[Rectangle]) -> Optional[Rectangle]:
    """Room for a plate below, above, right or left of the box."""
    (height, width), wide, high = shape, text.wide, text.high
    along = int(np.clip(box[0], 0, max(0, width - wide)))
    down = int(np.clip(box[1], 0, max(0, height - high)))
    for x, y in ((along, box[3]), (along, box[1] - high), (box[2], down), (box[0] - wide, down)):
        plate = (x, y, x + wide, y + high)
        inside = 0 <= x <= width - wide and 0 <= y <= height - high
        if inside and not any(_overlap(plate, other) for other in taken):
            return plate
    return None


def _write(canvas: np.ndarray, text: _Text, plate: Rectangle, color: Tuple[int, int, int]) -> None:
    """Lines of text on a dark plate."""
    x, y, right, bottom = plate
    area = canvas[y:bottom, x:right]
    area[:] = (area * 0.3 + np.array(PLATE) * 0.7).astype(np.uint8)
    area[:, :max(1, text.pad // 2)] = color
    for number, line in enumerate(text.lines):
        cv2.putText(canvas, line, (x + text.pad, y + text.step * (number + 1)), FACE, text.scale,
                    INK if number == 0 else MUTED, text.thickness, cv2.LINE_AA)


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
