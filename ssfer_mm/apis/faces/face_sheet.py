"""A contact sheet of images with the faces that were found in them."""
import math
from typing import List, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ssfer_mm.apis.drawing import (
    ALERT,
    BACKGROUND,
    CARD,
    FIRST,
    MUTED,
    OUTSIDE,
    SECOND,
    TEXT,
    draw_line,
    font,
    shorten,
)
from ssfer_mm.apis.output_files import save_picture
from ssfer_mm.datasets.image_sources import ImageRef
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_line import FaceRecord
from ssfer_mm.images.decode import pixels_of

Shown = Tuple[ImageRef, FaceRecord]
TILE, COLUMNS, MARGIN, GAP, HEADER, CAPTION = 208, 8, 14, 10, 78, 44
# Of the larger edge, shown around an image, so that boxes can be seen leaving it.
BORDER = 0.08


def save_face_sheet(path: str, shown: Sequence[Shown], title: str, count: int = 48) -> None:
    """Draw some images with their faces, and write the picture.

    Args:
        path: ``.png`` or ``.jpg`` file.
        shown: All images and their faces.
        title: Of the sheet, such as the detector's name.
        count: How many images to draw; see :func:`pick`.

    Raises:
        UserError: There is nothing to draw, or the file cannot be written.
    """
    if not shown or count < 1:
        raise UserError(f'--preview {path}: no image to show')
    save_picture(path, draw_face_sheet(pick(shown, count), title, summary([r for _, r in shown])))


def pick(shown: Sequence[Shown], count: int) -> List[Shown]:
    """Images for a sheet: half from those without a face or with several, which are where a
    detector errs, half from the others; evenly spread over each, in their order."""
    odd = [k for k, (_, record) in enumerate(shown) if len(record.boxes) != 1]
    usual = [k for k, (_, record) in enumerate(shown) if len(record.boxes) == 1]
    few = min(len(odd), max(count // 2, count - len(usual)))
    chosen = _spread(odd, few) + _spread(usual, min(len(usual), count - few))
    return [shown[k] for k in sorted(chosen)]


def summary(records: Sequence[FaceRecord]) -> str:
    """One line: how many images have no, one, or several faces.

    Example:
        >>> summary([FaceRecord('a'), FaceRecord('b', ((0, 0, 1, 1),))])
        '2 images: 1 with exactly one face, 1 with none, 0 with several'
    """
    faces = [len(record.boxes) for record in records]
    one, none = faces.count(1), faces.count(0)
    return (f'{len(faces)} images: {one} with exactly one face, {none} with none, '
            f'{len(faces) - one - none} with several')


def draw_face_sheet(shown: Sequence[Shown], title: str, line: str) -> Image.Image:
    """Draw images in rows of eight, each with its boxes, scores and id.

    Args:
        shown: At least one.
        title: First line of the header.
        line: Second line of the header.

    Returns:
        An RGB picture.
    """
    columns = max(4, min(COLUMNS, len(shown)))
    rows = math.ceil(len(shown) / columns)
    step = TILE + GAP
    sheet = Image.new('RGB', (2 * MARGIN + columns * step - GAP,
                              HEADER + rows * (step + CAPTION) + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 12), f'Faces   {title}', TEXT, font(21, bold=True))
    draw.text((MARGIN, 43), line, MUTED, font(14))
    for place, (ref, record) in enumerate(shown):
        x = MARGIN + place % columns * step
        y = HEADER + place // columns * (step + CAPTION)
        draw.rounded_rectangle((x, y, x + TILE, y + TILE + CAPTION), 8, CARD)
        sheet.paste(_tile(ref, record), (x, y))
        number = len(record.boxes)
        text, color = ((f'{number} faces', SECOND) if number > 1 else
                        ('', TEXT) if number else ('no face', ALERT))
        draw.text((x + 8, y + TILE + 6), shorten(record.image, 30), TEXT, font(11))
        size = f'{record.width} × {record.height}' if record.width else ''
        draw.text((x + 8, y + TILE + 24), size, MUTED, font(11))
        draw.text((x + TILE - 8, y + TILE + 24), text, color, font(11, True), anchor='ra')
    return sheet


def _tile(ref: ImageRef, record: FaceRecord) -> Image.Image:
    """One image fitted into a square, with its boxes."""
    tile = Image.new('RGB', (TILE, TILE), OUTSIDE)
    draw = ImageDraw.Draw(tile)
    try:
        pixels, (width, height) = pixels_of(ref.content(), ref.id, 16 * TILE * TILE)
    except UserError:
        draw.text((TILE // 2, TILE // 2), 'unreadable', ALERT, font(14, True), anchor='mm')
        return tile
    scale = TILE * (1 - 2 * BORDER) / max(width, height)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = pixels.shape[1] > fitted[0]
    view = cv2.resize(pixels, fitted, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    left, top = (TILE - fitted[0]) // 2, (TILE - fitted[1]) // 2
    tile.paste(Image.fromarray(np.ascontiguousarray(view[..., ::-1])), (left, top))
    color = FIRST if len(record.boxes) == 1 else SECOND
    for k, box in enumerate(record.boxes):
        x1, y1, x2, y2 = (round(edge * scale) + (left, top)[i % 2] for i, edge in enumerate(box))
        corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1))
        for start, end in zip(corners, corners[1:]):
            draw_line(draw, start, end, color)
        if record.scores:
            _score(draw, x1, y1, record.scores[k], color)
    return tile


def _score(draw: ImageDraw.ImageDraw, x: int, y: int, score: float,
           color: Tuple[int, int, int]) -> None:
    """A score on a plate in the box's upper left corner, kept inside the tile."""
    x, y = min(max(x, 0), TILE - 30), min(max(y, 0), TILE - 15)
    draw.rectangle((x, y, x + 29, y + 14), color)
    draw.text((x + 15, y + 7), f'{score:.2f}', BACKGROUND, font(11, True), anchor='mm')


def _spread(items: Sequence[int], count: int) -> List[int]:
    return [items[k * len(items) // count] for k in range(count)]
