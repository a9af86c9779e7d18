"""Draw pairs of faces and their mixtures: one row per pair, read as an equation."""
import math
from typing import Sequence, Tuple

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

from .facemix_pairs import Box, PreviewFace, PreviewPair, summary

MIN_FACE = 160  # pixels on the sheet; smaller views are enlarged by a whole factor
MARGIN = 0.35  # of a view, shown around it, so that boxes can be seen leaving it
GAP, OPERATOR, PANEL, HEADER, CAPTION = 14, 98, 330, 92, 48


def draw_sheet(pairs: Sequence[PreviewPair], source: str, extent: str) -> Image.Image:
    """Draw all pairs below each other.

    Args:
        pairs: At least one, with views of one size.
        source: What the faces come from; shown in the header.
        extent: FaceMix's choice of box; shown in the header.

    Returns:
        An RGB picture.
    """
    height, width = pairs[0].mixed.shape[:2]
    scale = max(1, math.ceil(MIN_FACE / min(height, width)))
    pad = round(MARGIN * scale * max(height, width))
    tile = (width * scale + 2 * pad, height * scale + 2 * pad)
    row_height = tile[1] + CAPTION + GAP
    sheet_width = 3 * (tile[0] + OPERATOR) + PANEL + 2 * GAP
    sheet = Image.new('RGB', (sheet_width, HEADER + len(pairs) * row_height), BACKGROUND)
    _header(ImageDraw.Draw(sheet), source, summary(pairs, extent))
    for row, pair in enumerate(pairs):
        _row(sheet, HEADER + row * row_height, pair, tile, scale, pad)
    return sheet


def _header(draw: ImageDraw.ImageDraw, source: str, line: str) -> None:
    draw.text((GAP + 4, 12), f'FaceMix   {source}', TEXT, font(21, bold=True))
    draw.text((GAP + 4, 41), line, ALERT if 'WARNING' in line else MUTED, font(14))
    y, x = 71, GAP + 4
    for dashed, text in ((False, 'box in the view'), (True, 'whole box')):
        draw_line(draw, (x, y), (x + 34, y), TEXT, dashed)
        draw.text((x + 42, y - 9), text, MUTED, font(13))
        x += 190
    draw.text((x, y - 9), 'right picture: the boxes whose IoU counts, their overlap filled', MUTED,
              font(13))


def _row(sheet: Image.Image, y: int, pair: PreviewPair, tile: Tuple[int, int], scale: int,
         pad: int) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle((GAP // 2, y, sheet.width - GAP // 2, y + tile[1] + CAPTION), 10, CARD)
    x = GAP
    middle = y + tile[1] // 2
    parts = ((pair.first, FIRST, f'{pair.lam:.2f} ×'), (pair.second, SECOND,
                                                        f'+ {1 - pair.lam:.2f} ×'))
    for face, color, operator in parts:
        draw.text((x + OPERATOR // 2, middle), operator, color, font(19, True), anchor='mm')
        x += OPERATOR
        sheet.paste(_face_tile(face, color, scale, pad), (x, y + 6))
        _caption(draw, x + tile[0] // 2, y + tile[1] + 8, face, color)
        x += tile[0]
    draw.text((x + OPERATOR // 2, middle), '=', TEXT, font(26, True), anchor='mm')
    x += OPERATOR
    sheet.paste(_mixed_tile(pair, scale, pad), (x, y + 6))
    draw.text((x + tile[0] // 2, y + tile[1] + 8), 'mixed', TEXT, font(15, True), anchor='ma')
    _panel(draw, x + tile[0] + 24, y + 22, pair)


def _caption(draw: ImageDraw.ImageDraw, x: int, y: int, face: PreviewFace,
             color: Tuple[int, int, int]) -> None:
    draw.text((x, y), face.label, color, font(15, True), anchor='ma')
    draw.text((x, y + 21), shorten(face.sample_id, 30), MUTED, font(12), anchor='ma')


def _face_tile(face: PreviewFace, color: Tuple[int, int, int], scale: int,
               pad: int) -> Image.Image:
    tile = _framed(face.image, scale, pad)
    draw = ImageDraw.Draw(tile)
    if face.full is not None:
        _draw_box(draw, face.full, color, scale, pad, dashed=True)
    if face.visible is not None:
        _draw_box(draw, face.visible, color, scale, pad)
    if face.missing:
        note = 'no box' if face.counted is None else 'no box: fixed one used'
        draw.text((tile.width // 2, pad // 2), note, ALERT, font(13, True), anchor='mm')
    return tile


def _mixed_tile(pair: PreviewPair, scale: int, pad: int) -> Image.Image:
    tile = _framed(pair.mixed, scale, pad)
    first, second = pair.first.counted, pair.second.counted
    if first is not None and second is not None:
        common = _to_sheet(
            (max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]),
             min(first[3], second[3])), scale, pad)
        if common[2] > common[0] and common[3] > common[1]:
            veil = Image.new('RGBA', tile.size)
            ImageDraw.Draw(veil).rectangle(common, (255, 255, 255, 30))
            tile = Image.alpha_composite(tile.convert('RGBA'), veil).convert('RGB')
    draw = ImageDraw.Draw(tile)
    for box, color in ((first, FIRST), (second, SECOND)):
        if box is not None:
            _draw_box(draw, box, color, scale, pad)
    return tile


def _panel(draw: ImageDraw.ImageDraw, x: int, y: int, pair: PreviewPair) -> None:
    rows = (('IoU', pair.iou, 1., TEXT), ('lam', pair.lam, 1., FIRST),
            ('weight of a real image', pair.weight, 2., TEXT))
    for name, value, top, color in rows:
        known = not math.isnan(value)
        draw.text((x, y), name, MUTED, font(14))
        draw.text((x + PANEL - 50, y - 3), f'{value:.2f}' if known else 'no box', TEXT,
                  font(17, True), anchor='ra')
        end = x + PANEL - 50
        draw.rounded_rectangle((x, y + 23, end, y + 29), 3, OUTSIDE)
        if known and value > 0:
            share = min(value / top, 1.)
            draw.rounded_rectangle((x, y + 23, x + max(6, round(share * (end - x))), y + 29), 3,
                                   color)
        y += 50
    draw.text((x, y), 'target, before smoothing', MUTED, font(14))
    shares = {}
    for face, share in ((pair.first, pair.lam), (pair.second, 1 - pair.lam)):
        shares[face.label] = shares.get(face.label, 0.) + share
    for line, (label, share) in enumerate(shares.items()):
        color = TEXT if len(shares) == 1 else (FIRST, SECOND)[line]
        draw.text((x, y + 22 + 22 * line), f'{share:.2f} {label}', color, font(15, True))


def _framed(image: np.ndarray, scale: int, pad: int) -> Image.Image:
    """The view, enlarged, in a frame that stands for what lies outside it."""
    height, width = image.shape[:2]
    view = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    tile = Image.new('RGB', (view.width + 2 * pad, view.height + 2 * pad), OUTSIDE)
    tile.paste(view, (pad, pad))
    return tile


def _to_sheet(box: Box, scale: int, pad: int) -> Tuple[int, ...]:
    return tuple(round(value * scale) + pad for value in box)


def _draw_box(draw: ImageDraw.ImageDraw, box: Box, color: Tuple[int, int, int], scale: int,
              pad: int, dashed: bool = False) -> None:
    x1, y1, x2, y2 = _to_sheet(box, scale, pad)
    corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1))
    for start, end in zip(corners, corners[1:]):
        draw_line(draw, start, end, color, dashed)
