"""What surrounds the faces of a procedural scene, and what must not be taken for one.

Every function takes numpy's random generator first and draws all its chance from it. Pictures are
float32 (size, size, 3) BGR with values around 0 to 255.
"""
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ssfer_mm.datasets.face_cuts import FaceCut

Random = np.random.Generator


def paint_background(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    """A background without any face.

    Args:
        rng: Source of all chance.
        size: Side of the picture in pixels.
        cuts: Faces from whose corners texture is taken.
    """
    makers: tuple[Callable, ...] = (_gradient, _noise, _stripes, _torn_corner, _torn_corner,
                                    _rooms)
    picture = makers[rng.integers(len(makers))](rng, size, cuts)
    if rng.random() < .4:
        other = makers[rng.integers(len(makers))](rng, size, cuts)
        share = cv2.resize(rng.random((3, 3), np.float32), (size, size),
                           interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
        picture = picture * share + other * (1 - share)
    return picture


def paint_clutter(rng: Random, picture: np.ndarray, cuts: Sequence[FaceCut]) -> None:
    """Draw things that share something with a face, but are none, into the picture."""
    size = len(picture)
    makers = (_blob, _blob, _patch, _patch, _shuffled_face, _lines, _letters)
    for _ in range(rng.integers(0, 7)):
        makers[rng.integers(len(makers))](rng, picture, size, cuts)


def skin(rng: Random) -> np.ndarray:
    """A color of skin, BGR, from very dark to very light."""
    light = rng.uniform(.25, 1)
    red = 60 + 180 * light
    return np.array([red * rng.uniform(.45, .8), red * rng.uniform(.6, .88), red], np.float32)


def color(rng: Random) -> np.ndarray:
    """Any color, BGR; greyish ones are the most frequent, as in photographs."""
    grey = rng.uniform(0, 255)
    return (grey + rng.normal(0, rng.uniform(0, 60), 3)).clip(0, 255).astype(np.float32)


# ------------------------------------------------------------------------------------ backgrounds


def _gradient(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    corners = np.stack([color(rng) for _ in range(4)]).reshape(2, 2, 3)
    return cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)


def _noise(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    picture = np.zeros((size, size, 3), np.float32) + color(rng)
    for cells in (3, 8, 24, 70):
        field = rng.normal(0, 1, (cells, cells, 1 if rng.random() < .7 else 3))
        field = cv2.resize(field.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        picture += rng.uniform(0, 40) * field.reshape(size, size, -1)
    return picture.clip(0, 255)


def _stripes(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    angle, steps = rng.uniform(0, np.pi), np.arange(size) * (2 * np.pi / rng.uniform(5, 80))
    across, down = (steps * np.cos(angle))[None], (steps * np.sin(angle))[:, None]
    wave = np.sin((across + down).astype(np.float32))
    if rng.random() < .4:  # bricks, tiles, windows
        wave *= np.sin((across.T - down.T).astype(np.float32))
    share = (wave * float(rng.choice([.5, 4.])) + .5).clip(0, 1)[..., None]
    return share * color(rng) + (1 - share) * color(rng)


def _rooms(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    """Flat areas with straight edges: walls, doors, tables."""
    picture = _gradient(rng, size, cuts)
    for _ in range(rng.integers(3, 12)):
        center, radius = rng.uniform(0, size, 2), rng.uniform(.05, .5) * size
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 6)))
        corners = center + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(picture, [corners.astype(np.int32)], color(rng).tolist(), cv2.LINE_AA)
    return picture


def _torn_corner(rng: Random, size: int, cuts: Sequence[FaceCut]) -> np.ndarray:
    """Blurred real texture: a corner of a photograph, where no face is, enlarged."""
    piece = _corner(rng, cuts[rng.integers(len(cuts))])
    picture = cv2.resize(piece, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    if rng.random() < .5:
        picture = (picture.mean(axis=2, keepdims=True) / 128) * color(rng)
    if rng.random() < .5:
        picture += rng.uniform(0, 15) * rng.standard_normal((size, size, 1), np.float32)
    return picture.clip(0, 255)


def _corner(rng: Random, cut: FaceCut) -> np.ndarray:
    """A corner of the picture, a fifth to a third of it wide: hair, ears and what is behind."""
    height, width = cut.image.shape[:2]
    h, w = (max(2, int(side * rng.uniform(.18, .33))) for side in (height, width))
    y, x = (0 if rng.random() < .5 else height - h), (0 if rng.random() < .5 else width - w)
    return cut.image[y:y + h, x:x + w]


# ---------------------------------------------------------------------------------------- clutter


def _place(rng: Random, size: int) -> tuple[int, int, int, int]:
    """x, y of the upper left corner and width, height, of something inside the picture."""
    w, h = (int(size * rng.uniform(.06, .45)) for _ in range(2))
    return rng.integers(-w // 4, size - 3 * w // 4), rng.integers(-h // 4, size - 3 * h // 4), w, h


def _blob(rng: Random, picture: np.ndarray, size: int, cuts: Sequence[FaceCut]) -> None:
    """Hands, shoulders, balls: an ellipse of one color, often that of skin."""
    x, y, w, h = _place(rng, size)
    tone = skin(rng) if rng.random() < .6 else color(rng)
    cv2.ellipse(picture, (int(x + w / 2), int(y + h / 2)), (max(w // 2, 2), max(h // 2, 2)),
                float(rng.uniform(0, 180)), 0, 360, tone.tolist(), -1, cv2.LINE_AA)


def _patch(rng: Random, picture: np.ndarray, size: int, cuts: Sequence[FaceCut]) -> None:
    """A rectangle of real texture, so that edges of a pasted picture do not mean "face"."""
    x, y, w, h = _place(rng, size)
    piece = _corner(rng, cuts[rng.integers(len(cuts))])
    _put(picture, cv2.resize(piece, (w, h)).astype(np.float32) * rng.uniform(.5, 1.4), x, y)


def _shuffled_face(rng: Random, picture: np.ndarray, size: int, cuts: Sequence[FaceCut]) -> None:
    """The textures of a face in a wrong order: 3 x 3 tiles, none of which stays in its place."""
    x, y, w, h = _place(rng, size)
    side = max(9, min(w, h) // 3 * 3)
    image = cv2.resize(cuts[rng.integers(len(cuts))].image, (side, side),
                       interpolation=cv2.INTER_AREA)
    tiles = [tile for row in np.split(image, 3) for tile in np.split(row, 3, axis=1)]
    shift = rng.integers(2, 8)
    tiles = [np.rot90(tiles[(k * 2 + shift) % 9], rng.integers(4)) for k in range(9)]
    whole = np.vstack([np.hstack(tiles[k:k + 3]) for k in (0, 3, 6)])
    _put(picture, whole.astype(np.float32), x, y)


def _lines(rng: Random, picture: np.ndarray, size: int, cuts: Sequence[FaceCut]) -> None:
    for _ in range(rng.integers(1, 6)):
        ends = rng.integers(-10, size + 10, 4).tolist()
        cv2.line(picture, ends[:2], ends[2:], color(rng).tolist(), int(rng.integers(1, 6)),
                 cv2.LINE_AA)


def _letters(rng: Random, picture: np.ndarray, size: int, cuts: Sequence[FaceCut]) -> None:
    text = ''.join(chr(code) for code in rng.integers(48, 123, rng.integers(1, 9)))
    start, font = rng.integers(0, size, 2).tolist(), int(rng.integers(0, 6))
    scale, tone, width = float(rng.uniform(.4, 2)), color(rng), int(rng.integers(1, 4))
    ink = np.zeros(picture.shape[:2], np.uint8)  # OpenCV 5 writes on bytes only
    cv2.putText(ink, text, start, font, scale, 255, width, cv2.LINE_8)
    picture[ink > 0] = tone


def _put(picture: np.ndarray, piece: np.ndarray, x: int, y: int) -> None:
    """Write what fits of the piece."""
    size, (h, w) = len(picture), piece.shape[:2]
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w, size), min(y + h, size)
    if x2 > x1 and y2 > y1:
        picture[y1:y2, x1:x2] = piece[y1 - y:y2 - y, x1 - x:x2 - x]
