"""A contact sheet of pictures that show the same photo, side by side."""
import math
from collections import Counter
from typing import Dict, List, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ssfer_mm.apis.drawing import (
    BACKGROUND,
    CARD,
    FIRST,
    MUTED,
    OUTSIDE,
    SECOND,
    TEXT,
    font,
    shorten,
)
from ssfer_mm.apis.output_files import save_picture
from ssfer_mm.audit.check_overlap import Pair
from ssfer_mm.audit.parts import Part
from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import pixels_of

TILE, COLUMNS, MARGIN, GAP, HEADER, CAPTION = 128, 6, 14, 12, 78, 80


def save_copies_sheet(path: str, pairs: Sequence[Pair], count: int = 60) -> None:
    """Draw some pairs, and write the picture.

    Args:
        path: ``.png`` or ``.jpg`` file.
        pairs: All of them, at least one.
        count: How many to draw at most; see :func:`pick_pairs`.

    Raises:
        UserError: The file cannot be written.
    """
    save_picture(path, draw_copies_sheet(pick_pairs(pairs, count), pairs))


def pick_pairs(pairs: Sequence[Pair], count: int) -> List[Pair]:
    """Pairs worth a look: across parts if there are any, of every two parts and every kind as many,
    near ones from the least to the most alike, since that is where a comparison errs."""
    across = [pair for pair in pairs if pair.first is not pair.second] or list(pairs)
    groups: Dict[Tuple, List[Pair]] = {}
    for pair in across:
        groups.setdefault((pair.first.name, pair.second.name, pair.kind), []).append(pair)
    chosen: List[Pair] = []
    waiting = sorted(groups.values(), key=len)
    for place, group in enumerate(waiting):
        share = min(len(group), (count - len(chosen)) // (len(waiting) - place))
        ordered = sorted(group, key=lambda pair: pair.score)
        chosen += [ordered[k * len(group) // share] for k in range(share)]
    order = list(groups)
    return sorted(chosen, key=lambda pair: (
        order.index((pair.first.name, pair.second.name, pair.kind)), pair.score))


def draw_copies_sheet(shown: Sequence[Pair], pairs: Sequence[Pair]) -> Image.Image:
    """Draw pairs in rows of six, with their parts, ids and likeness.

    Args:
        shown: At least one.
        pairs: All pairs, for the header.

    Returns:
        An RGB picture.
    """
    columns = max(3, min(COLUMNS, len(shown)))
    rows = math.ceil(len(shown) / columns)
    across, down = 2 * TILE + GAP, TILE + CAPTION + GAP
    sheet = Image.new('RGB', (2 * MARGIN + columns * across - GAP,
                              HEADER + rows * down - GAP + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    kinds = Counter(pair.kind for pair in pairs)
    draw.text((MARGIN, 12), 'Copies', TEXT, font(21, bold=True))
    draw.text((MARGIN, 43), ', '.join(f'{number:,} {kind}' for kind, number in kinds.items())
              + f'; {len(shown)} shown', MUTED, font(14))
    for place, pair in enumerate(shown):
        x, y = MARGIN + place % columns * across, HEADER + place // columns * down
        draw.rounded_rectangle((x, y, x + 2 * TILE, y + TILE + CAPTION), 8, CARD)
        for k, (part, row) in enumerate(((pair.first, pair.i), (pair.second, pair.j))):
            left = x + k * TILE
            sheet.paste(_tile(part, row), (left, y))
            draw.text((left + 8, y + TILE + 6), part.name, MUTED, font(11))
            draw.text((left + 8, y + TILE + 22), shorten(part.ids[row], 18), TEXT, font(11))
            if part.labels is not None:
                draw.text((left + 8, y + TILE + 40), part.classes[part.labels[row]], MUTED,
                          font(11))
        near = pair.kind == 'near'
        text = f'{pair.score:.2f}' + ', mirrored' * pair.mirrored if near else pair.kind
        # In a line of its own: beside "happiness" there is no room for "0.86, mirrored".
        draw.text((x + 2 * TILE - 8, y + TILE + 58), text, SECOND if near else FIRST,
                  font(11, True), anchor='ra')
    return sheet


def _tile(part: Part, row: int) -> Image.Image:
    """One image fitted into a square."""
    tile = Image.new('RGB', (TILE, TILE), OUTSIDE)
    try:
        pixels, _ = pixels_of(part.images[row], part.ids[row], 16 * TILE * TILE)
    except UserError:
        return tile
    scale = (TILE - 8) / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    view = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile.paste(Image.fromarray(np.ascontiguousarray(view[..., ::-1])),
               ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return tile
