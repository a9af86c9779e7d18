"""Drawing boxes and expressions into an image, quickly enough for video."""
from typing import List, Tuple

import cv2
import numpy as np

from .results import FaceResult, ImageResult

FACE = cv2.FONT_HERSHEY_SIMPLEX
INK, PLATE, MUTED = (255, 255, 255), (23, 19, 17), (200, 190, 180)
# BGR, one for each class in its order, told apart on skin and hair.
COLOURS = ((200, 200, 200), (71, 179, 255), (255, 160, 80), (80, 230, 250), (230, 110, 190),
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
    for face in reversed(result.faces):  # the best one last, on top
        _draw_face(canvas, face, factor, scale, top)
    return canvas


def _draw_face(canvas: np.ndarray, face: FaceResult, factor: float, scale: float,
               top: int) -> None:
    names = list(face.probabilities)
    colour = COLOURS[names.index(face.label) % len(COLOURS)]
    x1, y1, x2, y2 = (int(np.clip(round(edge * factor), -1e6, 1e6)) for edge in face.box)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, max(1, round(3 * scale)), cv2.LINE_AA)
    # What would be written as 0 % only hides the picture.
    lines = [f'{name} {100 * share:.0f}%' for name, share in face.top(top) if share >= 0.005]
    if lines and face.track is not None:
        lines[0] = f'#{face.track} {lines[0]}'
    _plate(canvas, lines, (x1, y1, x2, y2), colour, scale)


def _plate(canvas: np.ndarray, lines: List[str], box: Tuple[int, int, int, int],
           colour: Tuple[int, int, int], scale: float) -> None:
    """Lines of text on a dark plate: below the box, above it where there is no room, and inside
    where there is none either."""
    if not lines:
        return
    height, width = canvas.shape[:2]
    thickness = max(1, round(1.6 * scale))
    pad = max(2, round(6 * scale))
    sizes = [cv2.getTextSize(line, FACE, scale, thickness) for line in lines]
    step = max(size[1] for size, _ in sizes) + round(1.4 * pad)
    # What hangs below the line of writing, such as the tail of a g, needs room, too.
    tail = max(below for _, below in sizes)
    wide, high = max(size[0] for size, _ in sizes) + 2 * pad, step * len(lines) + max(pad, tail)
    x = int(np.clip(box[0], 0, max(0, width - wide)))
    y = box[3] if box[3] + high <= height or box[1] < high else box[1] - high
    y = int(np.clip(y, 0, max(0, height - high)))
    area = canvas[y:y + high, x:x + wide]
    area[:] = (area * 0.3 + np.array(PLATE) * 0.7).astype(np.uint8)
    area[:, :max(1, pad // 2)] = colour
    for number, line in enumerate(lines):
        cv2.putText(canvas, line, (x + pad, y + step * (number + 1)), FACE, scale,
                    INK if number == 0 else MUTED, thickness, cv2.LINE_AA)
