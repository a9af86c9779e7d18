"""Contact sheets: many faces at a glance."""

from typing import Sequence

import numpy as np

from .action_units import CLASSES
from .generator import SynthFace, SynthFERGenerator

GAP = 2  # pixels between faces


def draw_box(image: np.ndarray, box: Sequence[float], rgb: Sequence[int] = (60, 230, 90)) -> None:
    """Draw a one-pixel box (x1, y1, x2, y2) into an (h, w, 3) picture; parts outside are cut."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (int(round(edge)) for edge in box)
    columns = slice(max(0, x1), min(width, x2 + 1))
    rows = slice(max(0, y1), min(height, y2 + 1))
    for y in (y1, y2):
        if 0 <= y < height:
            image[y, columns] = rgb
    for x in (x1, x2):
        if 0 <= x < width:
            image[rows, x] = rgb


def _tiled(rows: Sequence[Sequence[SynthFace]], boxes: bool) -> np.ndarray:
    """Rows of faces, all of one size, as one picture."""
    size = rows[0][0].image.shape[0]
    step = size + GAP
    sheet = np.full((len(rows) * step - GAP, len(rows[0]) * step - GAP, 3), 24, np.uint8)
    for r, row in enumerate(rows):
        for c, face in enumerate(row):
            tile = face.image.copy()
            if boxes:
                draw_box(tile, face.box)
            sheet[r * step:r * step + size, c * step:c * step + size] = tile
    return sheet


def contact_sheet(generator: SynthFERGenerator, pool: str = 'train', columns: int = 8,
                  studio: bool = False, boxes: bool = True) -> np.ndarray:
    """One row per class, in the order of ``CLASSES``.

    Args:
        generator: source of the faces.
        pool: whose people to show.
        columns: people; each column shows one person, and from left to right the intensity grows
            from 0.3 to 1.
        studio: textbook expressions in a plain studio instead of the pool's own pictures.
        boxes: draw each face's box.

    Returns:
        (H, W, 3) uint8 RGB.

    Example:
        >>> contact_sheet(SynthFERGenerator(size=16), columns=2).shape
        (142, 34, 3)
    """
    rows = []
    for expression in CLASSES:
        row = []
        for column in range(columns):
            intensity = round(.3 + .7 * column / max(1, columns - 1), 6)
            make = generator.portrait if studio else generator.recipe
            row.append(generator.render(make(pool, column, expression, intensity)))
        rows.append(row)
    return _tiled(rows, boxes)
