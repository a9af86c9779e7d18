"""Hair behind and in front of the head, headwear, beard and moustache."""

import numpy as np

from .canvas import Canvas, blotches, clip, color, smooth
from .draws import Draws
from .identity import Identity
from .shape import FaceShape

ALL = (slice(None), slice(None))


class Hair:
    """Paints in two passes, before and after the face, from one set of random fields."""

    def __init__(self, canvas: Canvas, person: Identity, draws: Draws) -> None:
        self.canvas, self.person = canvas, person
        self.fields = draws.field(16, 16), draws.field(32, 32)
        self.style = person.hair_style
        lean = np.float32(canvas.scene.yaw * .25)
        self.u, self.v = canvas.u - lean, canvas.v

    def _shade(self, along: float = 1.) -> np.ndarray:
        """Strands and a soft shine, light-dependent."""
        u, v, scene = self.u, self.v, self.canvas.scene
        radius = np.sqrt(u * u + (v + .1) * (v + .1))
        strands = blotches(self.fields[1], u * 14 / (radius + np.float32(.3)) + 64,
                           radius * np.float32(2 * along) + 64)
        lit = np.float32(.72) + u * np.float32(scene.light[0] * .35) + v * np.float32(
            scene.light[1] * .30)
        shine = clip(1 - abs(radius - np.float32(.88)) * 6, 0, 1)
        return clip(lit, .3, 1.3) * (.72 + .5 * strands) + shine * np.float32(.12)

    def _paint(self, away: np.ndarray, shade: np.ndarray, rgb) -> None:
        lively = color(rgb) + np.float32(.035)
        self.canvas.paint(ALL, self.canvas.cover(away, .025), lively * shade)

    def behind(self) -> None:
        """Long hair, curls, bun and cloth that lie behind the head."""
        p, u, v = self.person, self.u, self.v
        more = np.float32(1.10 + .16 * p.hair_volume)
        if self.style == 'long':
            wide = np.float32(p.width) * more * (1 + .10 * clip(v, 0, 1.2))
            top = np.sqrt((u / wide) ** 2 + np.minimum(v + .12, 0) ** 2 * np.float32(1.05)) - 1
            away = np.maximum(top * np.float32(.8), v - np.float32(1.0 + .35 * p.hair_volume))
            self._paint(away, self._shade(.6) * .8, p.hair)
        elif self.style == 'curly':
            puff = blotches(self.fields[0], u * 4 + 32, v * 4 + 32) * np.float32(.22)
            away = np.sqrt((u / np.float32(p.width * 1.2)) ** 2 + (v + .25) ** 2) - 1 - puff
            self._paint(away * np.float32(.85), self._curls(), p.hair)
        elif self.style == 'bun':
            y = v + np.float32(p.crown + .12)
            self._paint(np.sqrt(u * u + y * y) - np.float32(.27 + .1 * p.hair_volume),
                        self._shade() * .9, p.hair)
        elif self.style == 'scarf':
            wide = np.float32(p.width * 1.17) * (1 + .06 * clip(v, 0, 1))
            away = np.sqrt((u / wide) ** 2 + (np.minimum(v - .1, 0) / np.float32(
                p.crown * 1.24)) ** 2) - 1
            self._paint(away * np.float32(.8), self._folds(), p.cloth)

    def _curls(self) -> np.ndarray:
        knots = blotches(self.fields[1], self.u * 11 + 64, self.v * 11 + 64)
        light = .8 + self.v * np.float32(self.canvas.scene.light[1] * .3)
        return light * (.55 + .75 * knots)

    def _folds(self) -> np.ndarray:
        waves = blotches(self.fields[0], self.u * 5 + self.v * 2 + 48, self.v * 1.2 + 32)
        return .62 + .30 * smooth(waves) + self.u * np.float32(self.canvas.scene.light[0] * .25)

    def _opening(self) -> np.ndarray:
        """Signed distance to the bare face below the hairline (negative on the face)."""
        p, style = self.person, self.style
        line = p.hairline
        shift = .22 * p.hair_part if style == 'parted' else 0.
        if style == 'bangs':
            line = -.36
        side = {'buzz': .99, 'short': .95, 'parted': .94, 'bangs': .90, 'long': .86, 'curly': .92,
                'bun': .97, 'scarf': .93, 'beanie': 1.0}[style]
        # parted hair sweeps over the forehead, not over an eye
        u = (self.u - np.float32(shift) * clip(self.v * -2, 0, 1)) / np.float32(p.width * side)
        middle = .12
        y = self.v - np.float32(middle)
        above = np.minimum(y, 0) * np.float32(1 / (middle - line))
        below = np.maximum(y, 0) * np.float32(1 / (1.02 if style == 'scarf' else 2.4))
        y2 = above * above + below * below
        if style == 'bangs':
            teeth = blotches(self.fields[1], self.u * 9 + 64, self.v * 0 + 3)
            return (np.sqrt(u * u * u * u + y2 * y2) - 1) * .4 + teeth * np.float32(.07) - .03
        return (np.sqrt(u * u + y2) - 1) * np.float32(.6)

    def front(self) -> None:
        """Hair or cloth over the forehead and temples."""
        p, u, v, style = self.person, self.u, self.v, self.style
        if style == 'bald':
            return
        grow = {'buzz': 1.02, 'beanie': 1.12, 'scarf': 1.15, 'bun': 1.05}.get(
            style, 1.07 + .13 * p.hair_volume)
        wide = np.float32(p.width * (1 + (grow - 1) * .75))
        if style in ('buzz', 'short', 'parted', 'bun'):
            # short hair hugs the temples and ends in sideburns
            u = u * (1 + np.float32(.6) * clip(v + np.float32(.2), 0, 1))
        cap = np.sqrt((u / wide) ** 2 + (v / np.float32(p.crown * grow)) ** 2) - 1
        if style == 'scarf':
            drape = np.maximum(cap, v - 0)
            sides = np.maximum(np.maximum(abs(u) - wide, v - 1.5), -v)
            away = np.maximum(np.minimum(drape, sides), -self._opening())
            self._paint(away, self._folds(), p.cloth)
            return
        if style == 'beanie':
            edge = v - np.float32(p.hairline + .22) + u * u * np.float32(.15)
            band = np.float32(1) - .22 * smooth((edge + .2) * 9) * (edge > -.2)
            ribs = .85 + .2 * blotches(self.fields[0], u * 16 + 64, v * .3 + 8)
            light = .85 + u * np.float32(self.canvas.scene.light[0] * .4)
            self._paint(np.maximum(cap, edge), ribs * band * light, p.cloth)
            return
        reach = {'long': 1.25 + .3 * p.hair_volume, 'curly': .35, 'bangs': .45}.get(style, .12)
        away = np.maximum(np.maximum(cap, -self._opening()), v - np.float32(reach))
        if style == 'long':
            fall = np.maximum(abs(abs(u) - np.float32(p.width * 1.0)) - np.float32(.15),
                              np.maximum(v - np.float32(reach - .2), -v))
            away = np.minimum(away, np.maximum(fall, -self._opening()))
        shade = self._curls() if style == 'curly' else self._shade()
        if style == 'buzz':
            share = self.canvas.cover(away, .16) * np.float32(.8)
            self.canvas.paint(ALL, share, color(p.hair) * shade)
        else:
            self._shadow(away)
            self._paint(away, shade, p.hair)

    def _shadow(self, away: np.ndarray) -> None:
        """Hair casts a soft shadow on the forehead."""
        inside = self.canvas.level < 1
        near = clip(1 - away * np.float32(1 / .16), 0, 1) * inside
        self.canvas.tint(ALL, near * np.float32(.30), (.6, .5, .48))


def paint_beard(canvas: Canvas, person: Identity, shape: FaceShape, draws: Draws) -> None:
    """Beard along the jaw and moustache under the nose, grown of noisy hair."""
    if person.beard + person.moustache <= 0:
        return
    window = canvas.window(0, .75, .85, .62)
    u, v = canvas.fu[window], canvas.fv[window]
    field = draws.field(32, 32)
    grain = blotches(field, u * 20 + 64, v * 9 + 64)
    light = (.75 + u * np.float32(canvas.scene.light[0] * .4)) * (.7 + .6 * grain)
    level = canvas.level[window]
    mouth = shape.mouth
    cy = mouth.center[1]
    rgb = color(person.hair) * light
    inside = canvas.cover((level - 1.03) * np.float32(.85))
    if person.beard:
        y = v - np.float32(cy - .02)
        hollow = np.sqrt((u / np.float32(max(mouth.half_width) * 1.28)) ** 2
                         + (y / np.float32(.15 + mouth.gap_down)) ** 2) - 1
        cheek = np.float32(.30) - v + (1 - clip(abs(u) * np.float32(1.35), 0, 1)) * .32
        away = np.maximum(np.maximum(cheek, -hollow * np.float32(.2)), -.2)
        share = canvas.cover(away + (grain - .5) * .05, .12) * inside
        canvas.paint(window, share * np.float32(.92 * person.beard), rgb)
    if person.moustache:
        top = (shape.nose_tip + .10 + cy - max(mouth.lift) - mouth.gap_up) / 2
        y = v - np.float32(top + .02) - u * u * np.float32(1.0)
        thick = np.float32(.055) - abs(u) * np.float32(.09)
        away = np.maximum(abs(y) - thick, abs(u) - np.float32(max(mouth.half_width) * 1.05))
        share = canvas.cover(away + (grain - .5) * .03, .05)
        canvas.paint(window, share * np.float32(.9 * person.moustache), rgb)
