"""Put a face into a picture: how it is placed, cut out, colored and lit.

Coordinates are those of :mod:`ssfer_mm.faces.boxes`: continuous, pixel i covers [i, i + 1).
"""
from dataclasses import dataclass

import cv2
import numpy as np

from ssfer_mm.datasets.face_backgrounds import Random, color, skin
from ssfer_mm.datasets.face_cuts import FaceCut

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pose:
    """How a face lies in the picture.

    Attributes:
        x, y: Center of the face's box, in pixels of the picture.
        scale: Pixels of the picture per pixel of the cut, vertically.
        stretch: Horizontal scale divided by the vertical one.
        angle: Radians, clockwise on the screen.
        flip: Whether the face is mirrored.
    """
    x: float
    y: float
    scale: float
    stretch: float = 1.
    angle: float = 0.
    flip: bool = False

    def matrix(self, box: Box) -> np.ndarray:
        """Cut pixels -> picture pixels, float64 (2, 3), bringing the box's center to (x, y)."""
        sine, cosine = np.sin(self.angle), np.cos(self.angle)
        across = self.scale * self.stretch * (-1 if self.flip else 1)
        linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([across, self.scale])
        center = np.array([box[0] + box[2], box[1] + box[3]]) / 2
        return np.column_stack([linear, np.array([self.x, self.y]) - linear @ center])

    def place(self, box: Box) -> Box:
        """Where the face's box comes to lie.

        A turned face is not the turned box, whose corners are empty; the box of the turned ellipse
        that fits into it is taken.
        """
        half_w = (box[2] - box[0]) / 2 * self.scale * self.stretch
        half_h = (box[3] - box[1]) / 2 * self.scale
        sine, cosine = np.sin(self.angle), np.cos(self.angle)
        w, h = np.hypot(half_w * cosine, half_h * sine), np.hypot(half_w * sine, half_h * cosine)
        return self.x - w, self.y - h, self.x + w, self.y + h


def paste_face(picture: np.ndarray, cut: FaceCut, mask: np.ndarray, pose: Pose) -> Box:
    """Blend a face into the picture, in place.

    Args:
        picture: float32 (H, W, 3).
        cut: The face.
        mask: float32 (h, w) of the cut's size, in [0, 1]: how much of each of its pixels is seen.
        pose: Where.

    Returns:
        The face's box in the picture, not clipped to it.
    """
    matrix = pose.matrix(cut.box)
    height, width = cut.image.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int), picture.shape[1::-1])
    if (high > low).all():
        matrix[:, 2] -= low
        image, mask, matrix = _shrunk(cut.image.astype(np.float32), mask, matrix)
        # OpenCV's coordinates have their origin half a pixel away: in the first pixel's center.
        matrix[:, 2] += matrix[:, :2] @ [.5, .5] - .5
        size = (high - low).tolist()
        face = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        cover = cv2.warpAffine(mask, matrix, size, borderMode=cv2.BORDER_CONSTANT)[..., None]
        region = picture[low[1]:high[1], low[0]:high[0]]
        region += cover * (face - region)
    return pose.place(cut.box)


def _shrunk(image: np.ndarray, mask: np.ndarray,
            matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average pixels before a strong reduction, which would otherwise pick a few of them."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale >= .6:
        return image, mask, matrix
    height, width = mask.shape
    size = max(2, round(width * scale * 1.2)), max(2, round(height * scale * 1.2))
    factors = np.array([width / size[0], height / size[1]])
    matrix = np.column_stack([matrix[:, :2] * factors, matrix[:, 2]])
    image, mask = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (image, mask))
    return image, mask, matrix


def cut_out(rng: Random, cut: FaceCut) -> np.ndarray:
    """A mask for :func:`paste_face`: the whole cut, or a soft-edged ellipse around the face."""
    height, width = cut.image.shape[:2]
    if rng.random() < .25:
        return np.ones((height, width), np.float32)
    x1, y1, x2, y2 = cut.box
    grow = rng.uniform(1., 1.7, 2)
    x = (np.arange(width, dtype=np.float32) + .5 - (x1 + x2) / 2) / ((x2 - x1) / 2 * grow[0])
    y = (np.arange(height, dtype=np.float32) + .5 - (y1 + y2) / 2) / ((y2 - y1) / 2 * grow[1])
    power = float(rng.choice([2., 3., 6.]))  # from an ellipse to a rounded rectangle
    distance = (np.abs(x)[None] ** power + np.abs(y)[:, None] ** power) ** (1 / power)
    mask = ((1 - distance) / rng.uniform(.02, .35)).clip(0, 1)
    if rng.random() < .7:  # hide that the cut ends above the hair and below the chin
        soft = rng.uniform(1, 12)
        edge = [np.minimum(np.arange(n) + 1, n - np.arange(n)) / soft for n in (height, width)]
        mask = mask * np.minimum.outer(*edge).clip(0, 1)
    return mask.astype(np.float32)


def colorize(rng: Random, cut: FaceCut) -> FaceCut:
    """Give a grey photograph the colors of skin: shadow, skin and highlight, by its greys."""
    grey = cut.image[..., 1]
    middle = np.clip(np.median(grey), 40, 215)
    tone = skin(rng)
    stops = np.stack([tone * rng.uniform(0, .15), tone, np.array([255, 255, 255]) - rng.uniform(
        0, 40, 3)])
    levels = np.arange(256)
    table = np.stack([np.interp(levels, [0, middle, 255], stops[:, k]) for k in range(3)], 1)
    image = table.astype(np.float32)[grey]
    return FaceCut(image, cut.box, cut.name)


def draw_body(rng: Random, picture: np.ndarray, box: Box) -> None:
    """Neck and shoulders where a face will be, so that it does not float."""
    x1, y1, x2, y2 = box
    x, w, h = (x1 + x2) / 2, x2 - x1, y2 - y1
    neck = [[x - .3 * w, y1 + .5 * h], [x + .3 * w, y1 + .5 * h], [x + .3 * w, y2 + .5 * h],
            [x - .3 * w, y2 + .5 * h]]
    wide, low = rng.uniform(.8, 1.4) * w, y2 + rng.uniform(.1, .3) * h
    body = [[x - .4 * w, low], [x + .4 * w, low], [x + wide, low + .35 * h],
            [x + wide, low + 5 * h], [x - wide, low + 5 * h], [x - wide, low + .35 * h]]
    for corners, tone in ((neck, skin(rng)), (body, color(rng))):
        cv2.fillPoly(picture, [np.array(corners).astype(np.int32)], tone.tolist(), cv2.LINE_AA)


def light(rng: Random, picture: np.ndarray) -> np.ndarray:
    """Light from a side, exposure, contrast and tint; float32 in and out, in [0, 255]."""
    size = picture.shape[1::-1]
    if rng.random() < .5:
        lamp = rng.uniform(.45, 1.5, (2, 2)).astype(np.float32)
        picture = picture * cv2.resize(lamp, size, interpolation=cv2.INTER_LINEAR)[..., None]
    if rng.random() < .5:
        picture = 255 * (picture.clip(0, 255) / 255) ** float(np.exp(rng.normal(0, .35)))
    if rng.random() < .5:
        picture = (picture - 128) * rng.uniform(.4, 1.3) + 128 + rng.normal(0, 25)
    if rng.random() < .3:
        picture = picture * rng.uniform(.75, 1.2, 3).astype(np.float32)
    return picture.clip(0, 255).astype(np.float32)


def expose(rng: Random, picture: np.ndarray) -> np.ndarray:
    """What a camera and a file do to a picture: grey, coarse pixels, blur, noise, JPEG; uint8."""
    size = picture.shape[1::-1]
    if rng.random() < .35:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    chance = rng.random()
    if chance < .2:  # enlarged from few pixels, as 48 px faces are
        small = [max(8, int(side * rng.uniform(.2, .7))) for side in size]
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    elif chance < .35:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(.4, 2.5)))
    if rng.random() < .3:
        noise = rng.standard_normal((*picture.shape[:2], 1), np.float32)
        picture = picture + noise * rng.uniform(1, 16)
    picture = picture.clip(0, 255).astype(np.uint8)
    if rng.random() < .25:
        quality = int(rng.integers(25, 90))
        code = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return picture
