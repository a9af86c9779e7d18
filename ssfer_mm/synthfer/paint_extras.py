"""Things in front of the face: glasses, a hand, a mask, a lock of hair, an object's edge."""

import numpy as np

from .canvas import Canvas, bend, blotches, clip, color, segments, smooth
from .draws import Draws
from .identity import Identity

ALL = (slice(None), slice(None))


def paint_glasses(canvas: Canvas, person: Identity) -> None:
    """Rims, bridge, temples and a faint reflection."""
    if not person.glasses:
        return
    dark = color([c * .35 for c in person.cloth] if person.glasses > .6 else (.08, .07, .08))
    rim = .012 + .016 * person.glasses
    rx, ry = .225, .15 + .06 * person.glasses_round
    for sign in (-1, 1):
        at = sign * (person.eye_gap + .01)
        window = canvas.window(at, .03, rx + .05, ry + .05)
        x = abs(canvas.fu[window] - np.float32(at)) * np.float32(1 / rx)
        y = abs(canvas.fv[window] - np.float32(.03)) * np.float32(1 / ry)
        x2, y2 = x * x, y * y
        sharp = np.sqrt(x2 * x2 + y2 * y2)
        square = np.sqrt(np.sqrt(sharp * sharp)) if person.glasses_round < .5 else np.sqrt(x2 + y2)
        away = (square - 1) * np.float32((rx + ry) / 2)
        lens = canvas.cover(away)
        glint = clip(1 - abs(canvas.fu[window] - at + canvas.fv[window] * .8 + .05) * 12, 0, 1)
        canvas.paint(window, lens * (.06 + .16 * glint), color((.92, .95, 1.)))
        canvas.paint(window, canvas.cover(abs(away) - np.float32(rim)), dark)
        arm = canvas.window(sign * (person.eye_gap + rx + .12), 0, .14, .05)
        side = sign * canvas.fu[arm] - np.float32(person.eye_gap + rx)
        bar = np.maximum(np.maximum(abs(canvas.fv[arm]) - np.float32(rim), -side), side - .2)
        inside = canvas.level[arm] < 1.02
        canvas.paint(arm, canvas.cover(bar) * inside, dark)
    window = canvas.window(0, -.02, .14, .06)
    arch = abs(canvas.fv[window] + .02 - canvas.fu[window] ** 2 * 2) - np.float32(rim)
    gap = abs(canvas.fu[window]) - np.float32(person.eye_gap - rx + .02)
    canvas.paint(window, canvas.cover(np.maximum(arch, gap)), dark)


def paint_occluder(canvas: Canvas, person: Identity, draws: Draws) -> None:
    """Whatever the scene puts before the face; nothing most of the time."""
    painters = {'hand': _hand, 'mask': _mask, 'lock': _lock, 'object': _object}
    kind = canvas.scene.occluder
    if kind in painters:
        painters[kind](canvas, person, draws)


def _hand(canvas: Canvas, person: Identity, draws: Draws) -> None:
    """Fingers from below, beside the mouth or on a cheek."""
    place, rgb = canvas.scene.occluder_place, person.skin
    sign = 1 if place[0] > 0 else -1
    base_u, tip = sign * (.35 + .4 * abs(place[0])), .25 + .35 * place[2]
    palm = np.sqrt((canvas.u - np.float32(base_u)) ** 2 + (canvas.v - 1.15) ** 2) - np.float32(.36)
    canvas.paint(ALL, canvas.cover(palm, .03), color(rgb) * np.float32(.82))
    for finger in range(4):
        u = base_u + (finger - 1.5) * .17
        end = (u - sign * .10 + (finger - 1.5) * .02, tip + .10 * abs(finger - 1.3))
        away = segments(canvas.u, canvas.v, [(u, 1.15), end])
        shade = clip(1.02 - away * away * 18, .5, 1.05)
        canvas.paint(ALL, canvas.cover(away - np.float32(.085)), color(rgb) * shade)


def _mask(canvas: Canvas, person: Identity, draws: Draws) -> None:
    """A cloth mask over mouth and chin."""
    u, v = canvas.fu, canvas.fv
    top = np.float32(.26) + u * u * np.float32(.25) - v
    side = canvas.level - np.float32(1.01)
    share = canvas.cover(np.maximum(top, side * .85))
    pleats = .86 + .12 * smooth(np.abs((v * 6) % 2 - 1)) - abs(u) * np.float32(.25)
    canvas.paint(ALL, share, color([.55 + .45 * c for c in canvas.scene.occluder_color]) * pleats)


def _lock(canvas: Canvas, person: Identity, draws: Draws) -> None:
    """A strand of hair falls across the face."""
    a, b, c = canvas.scene.occluder_place
    top = (a * .5, -.95)
    end = (a * .5 + (b * .5 if abs(b) > .2 else .3), .1 + .8 * c)
    away = segments(canvas.u, canvas.v, bend(top, (a * .9, -.35), end, 5))
    thick = clip(np.float32(.10) - (canvas.v + .9) * np.float32(.035), .01, .1)
    strands = blotches(draws.field(16, 16), canvas.u * 22 + 64, canvas.v * 2 + 64)
    canvas.paint(ALL, canvas.cover(away - thick, .02) * np.float32(.95),
                 color(person.hair) * (.7 + .6 * strands))


def _object(canvas: Canvas, person: Identity, draws: Draws) -> None:
    """The edge of something close to the camera, out of focus."""
    a, b, c = canvas.scene.occluder_place
    lean = np.float32(a * .6)
    edge = np.float32(.55 + .4 * c) - (canvas.dx + lean * canvas.dy) * (1 if b > 0 else -1)
    shade = .8 + .2 * canvas.dy
    canvas.paint(ALL, canvas.cover(edge, .10), color(canvas.scene.occluder_color) * shade)
