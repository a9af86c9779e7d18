"""Background, neck, ears, and the head's skin with light, folds and blush on it."""

from typing import Sequence, Tuple

import numpy as np

from .action_units import ActionUnits
from .canvas import Canvas, bend, blotches, clip, color, segments, smooth
from .draws import Draws
from .identity import Identity
from .shape import FaceShape

ALL = (slice(None), slice(None))


def paint_background(canvas: Canvas, draws: Draws) -> None:
    """A soft gradient with blurred shapes in it."""
    scene = canvas.scene
    ramp = smooth(np.float32(.5) + canvas.dy * np.float32(.45)
                  + canvas.dx * np.float32(.45 * scene.back_tilt))
    one, two = color(scene.back[0]), color(scene.back[1])
    canvas.rgb[:] = one + ramp * (two - one)
    for _ in range(scene.clutter):
        cx, cy = draws.uniform(-1.3, 1.3), draws.uniform(-1.3, 1.3)
        rx, ry = draws.uniform(.15, .7), draws.uniform(.15, .7)
        x, y = abs(canvas.dx - np.float32(cx)) - rx, abs(canvas.dy - np.float32(cy)) - ry
        if draws.chance(.5):
            away = np.maximum(x, y)
        else:
            away = np.sqrt((x + rx) ** 2 / (rx * rx) + (y + ry) ** 2 / (ry * ry)) * min(rx, ry)
            away = away - min(rx, ry)
        share = canvas.cover(away, draws.uniform(.03, .4)) * draws.uniform(.3, .9)
        canvas.paint(ALL, share, color(draws.color(.05, .95)))


def paint_neck(canvas: Canvas, person: Identity) -> None:
    """Neck in the chin's shadow, and shoulders in cloth."""
    chin, u, v = canvas.head.chin, canvas.u, canvas.v
    window = canvas.window(0, chin + .5, 2.6, 1.2, on_face=False)
    u, v = u[window], v[window]
    neck = np.maximum(abs(u) - np.float32(person.width * .56) - (v - chin) ** 2 * .25, .3 - v)
    shade = clip(.55 + (v - np.float32(chin)) * np.float32(.7), .5, .95)
    shade = shade + u * np.float32(canvas.scene.light[0] * .35)
    canvas.paint(window, canvas.cover(neck), color(person.skin) * shade)
    slope = np.float32(chin + .22) + u * u * np.float32(.30) - v
    collar = np.float32(.36) - np.sqrt(u * u * 1.3 + (v - np.float32(chin + .02)) ** 2)
    light = .8 + u * np.float32(canvas.scene.light[0] * .3) - (v - chin) * np.float32(.15)
    canvas.paint(window, canvas.cover(np.maximum(slope, collar)),
                 color(person.cloth) * clip(light, .3, 1.1))


def paint_ears(canvas: Canvas, person: Identity) -> None:
    """Two ears at the height of eyes and nose; turning the head hides one."""
    for sign in (-1, 1):
        at = sign * person.width * 1.0 - canvas.scene.yaw * .45
        window = canvas.window(at, .12, .16, .27, on_face=False)
        x = (canvas.u[window] - np.float32(at)) * np.float32(1 / .11)
        y = (canvas.v[window] - np.float32(.12)) * np.float32(1 / .21)
        away = np.sqrt(x * x + y * y)
        light = .72 + .25 * sign * canvas.scene.light[0]
        rim = light * (.72 + .28 * smooth(away * 1.6 - .6))
        canvas.paint(window, canvas.cover((away - 1) * np.float32(.13)),
                     color(person.skin) * color((1.02, .92, .90)) * rim)


class Skin:
    """Brightness of the skin, built up from light on the head's form, bumps and folds."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        lx, ly, lz = canvas.scene.light
        self.light = np.float32(lx), np.float32(ly), np.float32(lz)
        head = canvas.head
        self.level = canvas.level
        front = np.sqrt(clip(1 - np.float32(.93) * self.level * self.level, .02, 1))
        across = canvas.u * np.float32(.85 / head.width)
        down = canvas.v * np.float32(1.3 / (head.crown + head.chin))
        lit = across * self.light[0] + down * self.light[1] + front * self.light[2]
        ambient = np.float32(canvas.scene.ambient)
        self.shade = ambient * (.82 + .18 * front) + (1 - ambient) * clip(lit * 1.18, 0, 1.2)

    def bump(self, u: float, v: float, ru: float, rv: float, height: float,
             glow: float = 0.) -> None:
        """Round relief (hollow if ``height`` < 0), lit from the side; ``glow`` brightens all."""
        window = self.canvas.window(u, v, ru, rv)
        x = (self.canvas.fu[window] - np.float32(u)) * np.float32(1 / ru)
        y = (self.canvas.fv[window] - np.float32(v)) * np.float32(1 / rv)
        dome = np.maximum(1 - x * x - y * y, 0)
        lean = (x * self.light[0] + y * self.light[1]) * np.float32(height * 2.2)
        self.shade[window] += dome * lean + dome * dome * np.float32(glow)

    def fold(self, points: Sequence[Tuple[float, float]], width: float, depth: float) -> None:
        """A soft dark line through the points."""
        if depth < .02:
            return
        us, vs = [p[0] for p in points], [p[1] for p in points]
        ru, rv = (max(us) - min(us)) / 2 + width, (max(vs) - min(vs)) / 2 + width
        window = self.canvas.window(min(us) + ru - width, min(vs) + rv - width, ru, rv)
        away = segments(self.canvas.fu[window], self.canvas.fv[window], points)
        line = clip(1 - away * np.float32(1 / width), 0, 1)
        self.shade[window] *= 1 - line * line * np.float32(min(.75, depth))

    def paint(self, person: Identity, draws: Draws) -> None:
        """Put the skin on the canvas."""
        canvas = self.canvas
        grain = blotches(draws.field(16, 16), canvas.fu * 9 + 50, canvas.fv * 9 + 50) - .5
        shade = clip(self.shade + grain * np.float32(.05), .12, 1.25)
        # shadows on skin turn red, not grey
        deep = 1 - np.minimum(shade, 1)
        tone = np.stack([shade + .13 * deep * shade, shade - .02 * deep, shade - .06 * deep])
        canvas.paint(ALL, canvas.cover((self.level - 1) * np.float32(.85)),
                     color(person.skin) * tone)


def _expression_folds(skin: Skin, shape: FaceShape, units: ActionUnits, age: float) -> None:
    deep = .10 + .10 * age
    mouth = shape.mouth
    for side, sign in enumerate((-1, 1)):
        au = units.side(sign)
        corner = (mouth.center[0] + sign * mouth.half_width[side],
                  mouth.center[1] + mouth.corner[side])
        smile = au.get(12, 0.) + .3 * au.get(14, 0.)
        sneer = max(au.get(10, 0.), .8 * au.get(9, 0.))
        wing = (sign * (shape.nose_width + .03), shape.nose_tip + .02)
        if smile + sneer + age > .25:
            end = (corner[0] + sign * .06, corner[1] + .02 - .05 * sneer)
            pull = (sign * (abs(wing[0]) + .12 + .06 * smile), wing[1] + .02 - .04 * sneer)
            skin.fold(bend(wing, pull, end), .055, min(.34, .05 * age + .17 * smile + .26 * sneer))
        skin.fold(bend((corner[0] + sign * .04, corner[1] - .05), (corner[0] + sign * .075,
                  corner[1]), (corner[0] + sign * .03, corner[1] + .06), 3), .045,
                  .45 * au.get(14, 0.))
        skin.fold([(corner[0] + sign * .02, corner[1] + .02), (corner[0] + sign * .07,
                  corner[1] + .12)], .05, .22 * au.get(15, 0.))
        brow = shape.eyes[side].brow[0]
        frown = max(au.get(4, 0.), .0) * (1 - .5 * min(1., au.get(1, 0.)))
        skin.fold([(sign * .05, brow - .07), (sign * .035, brow + .09)], .035, .40 * frown)
        for step in (0, 1):
            skin.fold([(sign * .015, .02 + .07 * step), (sign * .10, .06 + .08 * step)], .032,
                      .34 * au.get(9, 0.))
        eye = shape.eyes[side]
        far = sign * (abs(eye.center[0]) + eye.width)
        for rise in (-.05, .01, .07):
            skin.fold([(far + sign * .03, rise * .6), (far + sign * .12, rise * 1.6 - .01)], .022,
                      deep * 1.6 * au.get(6, 0.))
    raised = min(1.2, (units.both(1) + units.both(2)) / 2 + .2 * units.both(1))
    for row in range(3):
        v = -.36 - .09 * row - .05 * raised
        arch = -.03 if units.both(2) > .5 * units.both(1) else .03
        skin.fold(bend((-.3, v - arch * .3), (0, v + arch), (.3, v - arch * .3)), .03,
                  (deep + .04) * max(0., raised - .15))


def paint_head(canvas: Canvas, person: Identity, shape: FaceShape, units: ActionUnits,
               draws: Draws) -> None:
    """The skin of the face, with nose relief, cheeks, sockets, folds and blush."""
    skin = Skin(canvas)
    nose, wide = shape.nose_tip, shape.nose_width
    turn = canvas.scene.yaw * .35
    for sign in (-1, 1):
        au = units.side(sign)
        skin.bump(sign * person.eye_gap, -.03, .26, .20, -.10, -.16)
        lift = max(au.get(6, 0.), .5 * au.get(12, 0.))
        skin.bump(sign * .40, .36 - .09 * lift, .28, .24, .16 + .22 * lift, .03 + .07 * lift)
        skin.fold(bend((sign * .18, .12 - .02 * lift), (sign * .32, .20 - .05 * lift),
                       (sign * .5, .10 - .03 * lift)), .045, .06 + .08 * person.age + .16 * lift)
        skin.bump(sign * wide + turn * .6, nose + .0, .07, .07, .30, .02)
    skin.bump(turn * .5, nose * .5, .13, nose * .75, .22, .06)
    skin.bump(turn, nose - .03, wide * 1.1, .13, .42, .10)
    skin.bump(0, person.mouth_height + .30, .22, .16, .16 + .1 * units.both(17), .02)
    skin.fold(bend((-.10, person.mouth_height + .17), (0, person.mouth_height + .13),
                   (.10, person.mouth_height + .17)), .06, .10 + .22 * units.both(17))
    skin.bump(0, -.5, .5, .3, .10, .06)
    _expression_folds(skin, shape, units, person.age)
    skin.paint(person, draws)
    for sign in (-1, 1):
        _blush(canvas, sign, .14 + person.blush * .35)
        _nostril(canvas, sign * wide * .48 + turn * .9, nose + .055 + canvas.scene.pitch * -.1,
                 wide * .30)


def _blush(canvas: Canvas, sign: int, amount: float) -> None:
    window = canvas.window(sign * .42, .34, .3, .26)
    x = (canvas.fu[window] - np.float32(sign * .42)) * np.float32(1 / .28)
    y = (canvas.fv[window] - np.float32(.34)) * np.float32(1 / .22)
    dome = np.maximum(1 - x * x - y * y, 0)
    inside = canvas.level[window] < 1
    canvas.tint(window, dome * inside * np.float32(amount), (1.02, .78, .76))


def _nostril(canvas: Canvas, u: float, v: float, radius: float) -> None:
    window = canvas.window(u, v, radius * 1.5, .04)
    x = (canvas.fu[window] - np.float32(u)) * np.float32(1 / radius)
    y = (canvas.fv[window] - np.float32(v)) * np.float32(1 / .022)
    away = np.sqrt(x * x + y * y)
    canvas.tint(window, canvas.cover((away - 1) * .025, .02) * np.float32(.85), (.38, .25, .24))
