"""A picture in the making: its pixel grid in face coordinates, and soft-edged painting.

Only + - * / and square roots touch pixels. IEEE 754 fixes those to the last bit, ``exp`` and
``sin`` it does not, so pictures are equal on every machine.
"""

import math
from typing import Sequence, Tuple

import numpy as np

from .scene import Scene
from .shape import Head

SUPERSAMPLE = 2
Window = Tuple[slice, slice]


def color(rgb: Sequence[float]) -> np.ndarray:
    """(3, 1, 1) float32, ready to broadcast over pixels."""
    return np.asarray(rgb, np.float32).reshape(3, 1, 1)


def clip(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``np.clip`` without its overhead, which small windows feel."""
    return np.minimum(np.maximum(values, low), high)


def smooth(share: np.ndarray) -> np.ndarray:
    """The cubic ramp 3 t^2 - 2 t^3 of values clipped to [0, 1]."""
    share = clip(share, 0, 1)
    return share * share * (3 - 2 * share)


class Canvas:
    """Pixels, RGB in 0-1, at ``SUPERSAMPLE`` times the picture's size.

    Attributes:
        rgb: (3, n, n) float32.
        u, v: (n, n) float32, the plane of the face (outline, hair, ears live here).
        fu, fv: (n, n) float32, the same grid on the turned face (eyes, mouth live here).
        level: (n, n) float32, below 1 on the head.
        unit: one pixel in face units.
    """

    def __init__(self, size: int, scene: Scene, head: Head) -> None:
        self.n = size * SUPERSAMPLE
        self.scene, self.head = scene, head
        self.zoom = scene.scale * self.n
        self.unit = 1 / self.zoom
        turn = math.radians(scene.angle)
        self.cos, self.sin = round(math.cos(turn), 7), round(math.sin(turn), 7)
        axis = np.arange(self.n, dtype=np.float32) + np.float32(.5)
        dx = ((axis - np.float32(scene.center[0] * self.n)) * np.float32(self.unit))[None, :]
        dy = ((axis - np.float32(scene.center[1] * self.n)) * np.float32(self.unit))[:, None]
        cos, sin = np.float32(self.cos), np.float32(self.sin)
        self.u, self.v = cos * dx + sin * dy, cos * dy - sin * dx
        self.dx, self.dy = dx, dy
        half = (np.float32(1 / head.width), np.float32(2 / (head.crown + head.chin)))
        across, along = self.u * half[0], self.v * half[1]
        bulge = np.maximum(1 - across * across - along * along, np.float32(-.3))
        self.fu = self.u - np.float32(scene.yaw) * bulge
        self.fv = self.v - np.float32(scene.pitch) * bulge
        self.level = head.level(self.u, self.v)
        self.rgb = np.zeros((3, self.n, self.n), np.float32)

    def to_pixel(self, u: float, v: float) -> Tuple[float, float]:
        """Face plane -> supersampled pixels (x, y)."""
        x = self.scene.center[0] * self.n + self.zoom * (self.cos * u - self.sin * v)
        y = self.scene.center[1] * self.n + self.zoom * (self.sin * u + self.cos * v)
        return x, y

    def turned(self, fu: float, fv: float) -> Tuple[float, float]:
        """Turned face -> face plane (inverts the grid's shift by iteration)."""
        u, v = fu, fv
        for _ in range(4):
            across, along = u / self.head.width, 2 * v / (self.head.crown + self.head.chin)
            bulge = max(-.3, 1 - across * across - along * along)
            u, v = fu + self.scene.yaw * bulge, fv + self.scene.pitch * bulge
        return u, v

    def window(self, u: float, v: float, ru: float, rv: float, on_face: bool = True) -> Window:
        """Pixel slices that hold the box (u +- ru, v +- rv)."""
        if on_face:
            u, v = self.turned(u, v)
            ru, rv = 1.35 * ru, 1.25 * rv
        x, y = self.to_pixel(u, v)
        hx = self.zoom * (abs(self.cos) * ru + abs(self.sin) * rv) + 2
        hy = self.zoom * (abs(self.sin) * ru + abs(self.cos) * rv) + 2
        left, right = max(0, int(x - hx)), min(self.n, max(0, int(x + hx) + 1))
        top, bottom = max(0, int(y - hy)), min(self.n, max(0, int(y + hy) + 1))
        return slice(top, max(top, bottom)), slice(left, max(left, right))

    def cover(self, distance: np.ndarray, softness: float = 0.) -> np.ndarray:
        """Share of each pixel inside, from a signed distance in face units (negative inside)."""
        if softness <= self.unit:
            share = np.float32(.5) - distance * np.float32(self.zoom)
            return clip(share, 0, 1)
        return smooth(np.float32(.5) - distance * np.float32(1 / softness))

    def paint(self, window: Window, share: np.ndarray, rgb: np.ndarray) -> None:
        """Blend a color ((3, 1, 1) or (3, h, w)) over the window."""
        area = self.rgb[:, window[0], window[1]]
        area += share * (rgb - area)

    def tint(self, window: Window, share: np.ndarray, factor: Sequence[float]) -> None:
        """Multiply the window's colors by ``factor`` where ``share`` is 1."""
        area = self.rgb[:, window[0], window[1]]
        area *= 1 + share * (color(factor) - 1)

    def reduce(self) -> np.ndarray:
        """(3, size, size): the mean of each block of supersamples."""
        rows = self.rgb[:, 0::2] + self.rgb[:, 1::2]
        return (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(.25)


def segments(x: np.ndarray, y: np.ndarray, points: Sequence[Tuple[float, float]]) -> np.ndarray:
    """Distance from each (x, y) to a chain of straight segments, in their units."""
    ends = np.asarray(points, np.float32)
    best = None
    for (ax, ay), (bx, by) in zip(ends[:-1], ends[1:]):
        ex, ey = bx - ax, by - ay
        px, py = x - ax, y - ay
        share = 1 / (ex * ex + ey * ey + np.float32(1e-9))
        along = clip(px * (ex * share) + py * (ey * share), 0, 1)
        px -= along * ex
        py -= along * ey
        square = px * px + py * py
        best = square if best is None else np.minimum(best, square)
    return np.sqrt(best)


def bend(start: Tuple[float, float], pull: Tuple[float, float], end: Tuple[float, float],
         pieces: int = 3) -> list:
    """Points along the quadratic curve from ``start`` to ``end`` pulled towards ``pull``."""
    points = []
    for i in range(pieces + 1):
        t = i / pieces
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append((a * start[0] + b * pull[0] + c * end[0],
                       a * start[1] + b * pull[1] + c * end[1]))
    return points


def blotches(field: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Smooth noise: bilinear look-up of a square ``field``, repeating without end.

    Its side must be a power of two; ``x`` and ``y`` (float32) must not be negative.
    """
    n = field.shape[0]
    flat = np.ascontiguousarray(field).ravel()
    ix, iy = x.astype(np.int32), y.astype(np.int32)
    tx, ty = x - ix.astype(np.float32), y - iy.astype(np.float32)
    jx, jy = (ix + 1) & (n - 1), ((iy + 1) & (n - 1)) * n
    ix, iy = ix & (n - 1), (iy & (n - 1)) * n
    a, b, c, d = flat.take(iy + ix), flat.take(iy + jx), flat.take(jy + ix), flat.take(jy + jx)
    top = a + tx * (b - a)
    return top + ty * (c + tx * (d - c) - top)
