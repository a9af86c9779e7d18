"""Eyes, brows and mouth: the parts that carry the expression."""

import numpy as np

from .canvas import Canvas, clip, color
from .identity import Identity
from .shape import Eye, Mouth

DARK = (.10, .06, .06)


def paint_eye(canvas: Canvas, person: Identity, eye: Eye) -> None:
    """White, iris, lids and lashes of one eye."""
    cu, cv = eye.center
    window = canvas.window(cu, cv, eye.width * 1.2, .22)
    x = (canvas.fu[window] - np.float32(cu)) * np.float32(eye.sign)
    y = canvas.fv[window] - np.float32(cv) - x * np.float32(eye.tilt)
    t = clip(x * np.float32(1 / eye.width), -1, 1)
    round_, peak = 1 - t * t, 1 - (t + .15) * (t + .15) * np.float32(1 / 1.3225)
    lid = -np.float32(eye.upper) * np.maximum(np.minimum(round_ * 1.25, (peak + round_) * .5), 0)
    low = np.float32(eye.lower) * round_
    beyond = abs(x) - np.float32(eye.width)
    inside = np.maximum(np.maximum(lid - y, y - low), beyond)
    open_ = canvas.cover(inside)
    shade = clip(.74 + (y - lid) * np.float32(3.2), .62, .97)
    canvas.paint(window, open_, color((1., .975, .955)) * shade)
    gu, gv = canvas.scene.gaze
    ix = x - np.float32(gu * .035 * eye.sign)
    iy = y - np.float32(gv * .02 - .006)
    away = np.sqrt(ix * ix + iy * iy)
    iris = np.minimum(open_, canvas.cover(away - np.float32(eye.iris)))
    glow = clip(.75 + iy * np.float32(5) - (away > eye.iris * .82) * np.float32(.3), .35, 1.25)
    canvas.paint(window, iris, color(person.iris) * glow)
    pupil = np.minimum(open_, canvas.cover(away - np.float32(eye.iris * .48)))
    canvas.paint(window, pupil, color((.03, .03, .04)))
    hx = ix * np.float32(eye.sign) - np.float32(.035 * (1 if canvas.scene.light[0] > 0 else -1))
    hy = iy + np.float32(.03)
    spark = canvas.cover(np.sqrt(hx * hx + hy * hy) - np.float32(.018), .03)
    canvas.paint(window, np.minimum(open_, spark) * np.float32(.9), color((1., 1., 1.)))
    _lids(canvas, eye, window, y, t, lid, low, beyond)


def _lids(canvas: Canvas, eye: Eye, window, y, t, lid, low, beyond) -> None:
    ends = clip(np.float32(.6) - beyond * np.float32(12), 0, 1)
    thick = np.float32(.017) + (t + 1) * np.float32(.006)
    lash = canvas.cover(abs(y - lid + thick * .5) - thick, .02) * ends
    canvas.paint(window, lash * np.float32(.92), color(DARK))
    rim = canvas.cover(abs(y - low - np.float32(.006)) - np.float32(.009), .02) * ends
    canvas.tint(window, rim * np.float32(.45), (.45, .32, .32))
    # the crease of the lid disappears where the brow presses on it
    crease = canvas.cover(abs(y - lid + np.float32(.052)) - np.float32(.010), .03) * ends
    canvas.tint(window, crease * np.float32(.40), (.55, .42, .40))
    bag = canvas.cover(abs(y - low - np.float32(.045)) - np.float32(.010), .04) * ends
    canvas.tint(window, bag * np.float32(min(.6, .06 + .45 * eye.squint)), (.58, .45, .43))


def paint_brow(canvas: Canvas, person: Identity, eye: Eye) -> None:
    """One brow: a tapering stroke through inner end, arch and outer end."""
    near, far = eye.brow_ends
    yi, ym, yo = eye.brow
    middle, span = (near + far) / 2, far - near
    window = canvas.window(eye.sign * middle, (yi + ym + yo) / 3, span * .6,
                           (max(eye.brow) - min(eye.brow)) / 2 + .09)
    x = canvas.fu[window] * np.float32(eye.sign)
    s = (x - np.float32(near)) * np.float32(1 / span)
    k = .52
    # Newton's form of the parabola through (0, yi), (k, ym), (1, yo)
    first, second = (ym - yi) / k, (yo - ym) / (1 - k)
    line = yi + s * np.float32(first) + s * (s - np.float32(k)) * np.float32(second - first)
    c = clip(s, 0, 1)
    thick = np.float32(person.brow_width) * (1.05 - .75 * c * c) * (.55 + np.minimum(c * 3, .45))
    away = np.maximum(abs(canvas.fv[window] - line) - thick,
                      np.maximum(-s, s - 1) * np.float32(span))
    grey = sum(person.hair) > 1.2
    rgb = [c * (.72 if grey else .9) * s for c, s in zip(person.hair, (1, .95, .92))]
    canvas.paint(window, canvas.cover(away, .035) * np.float32(.88), color(rgb))


def paint_mouth(canvas: Canvas, person: Identity, mouth: Mouth) -> None:
    """Lips, the dark inside, teeth and tongue."""
    cu, cv = mouth.center
    wide = max(mouth.half_width)
    tall = max(mouth.gap_up + mouth.lip_upper + max(mouth.lift), mouth.gap_down + mouth.lip_lower)
    tall = max(tall, max(abs(c) for c in mouth.corner)) + .06
    window = canvas.window(cu, cv, wide * 1.15, tall)
    x, y = canvas.fu[window] - np.float32(cu), canvas.fv[window] - np.float32(cv)
    left = x < 0
    t = x * np.where(left, np.float32(1 / mouth.half_width[0]), np.float32(1 / mouth.half_width[1]))
    beyond = (abs(t) - 1) * np.float32(wide)
    t = clip(abs(t), 0, 1)
    t2 = t * t
    line = t2 * np.where(left, np.float32(mouth.corner[0]), np.float32(mouth.corner[1]))
    raise_ = np.where(left, np.float32(mouth.lift[0]), np.float32(mouth.lift[1])) * (1 - t2 * t2)
    arch = 1 - t2
    full = .55 * np.sqrt(arch) + .45 * arch
    up = line - np.float32(mouth.gap_up) * full - raise_ * np.float32(.75)
    down = line + np.float32(mouth.gap_down) * full
    if mouth.gap_up + mouth.gap_down < .012:
        up = np.maximum(up, line - raise_ * .35)
        down = up + (down - line)
    bow = 1 - np.float32(.28) * clip(1 - t * 4, 0, 1)
    top = up - np.float32(mouth.lip_upper) * full * bow
    bottom = down + np.float32(mouth.lip_lower) * full
    _lips(canvas, person, window, y, up, top, down, bottom, beyond)
    _inside(canvas, mouth, window, x, y, up, down, beyond, arch)
    seam = abs(y - (up + down) * .5) - np.float32(.009) - (down - up) * .5
    ends = canvas.cover(beyond - np.float32(.02), .03)
    canvas.paint(window, canvas.cover(seam, .025) * ends * (.78 * (down - up < .03) + .1),
                 color([c * .30 for c in person.lip]))
    for side, sign in enumerate((-1, 1)):
        _corner(canvas, cu + sign * mouth.half_width[side], cv + mouth.corner[side])


def _lips(canvas, person, window, y, up, top, down, bottom, beyond) -> None:
    edge = .02
    upper = canvas.cover(np.maximum(np.maximum(top - y, y - up - np.float32(.01)), beyond), edge)
    below = np.maximum(down - y - np.float32(.01), y - bottom)
    lower = canvas.cover(np.maximum(below, beyond), edge)
    lit = canvas.scene.light
    glow = .92 - .1 * lit[1]
    depth = clip((y - down) / (bottom - down + np.float32(.02)), 0, 1)
    shine = .98 + .30 * depth * (1 - depth) * (1 - lit[1])
    canvas.paint(window, upper * np.float32(.9), color(person.lip) * np.float32(glow * .84))
    canvas.paint(window, lower * np.float32(.9), color(person.lip) * shine * np.float32(glow))
    under = canvas.cover(abs(y - bottom - np.float32(.025)) - np.float32(.012), .05)
    canvas.tint(window, under * canvas.cover(beyond + np.float32(.06), .1) * np.float32(.35),
                (.62, .52, .50))


def _inside(canvas, mouth, window, x, y, up, down, beyond, arch) -> None:
    if mouth.gap_up + mouth.gap_down < .012:
        return
    hole = np.maximum(np.maximum(up - y, y - down), beyond)
    open_ = canvas.cover(hole)
    canvas.paint(window, open_, color((.20, .05, .06)))
    tongue = canvas.cover(np.float32(mouth.gap_down * .45) + x * x * 1.2 - y, .04)
    canvas.paint(window, np.minimum(open_, tongue) * np.float32(.85), color((.62, .25, .26)))
    ivory = color((.95, .93, .88)) * clip(1.02 - abs(x) * np.float32(1.6), .55, 1)
    if mouth.teeth > .05:
        row = y - up - np.float32(.075 * mouth.teeth) * (.5 + .5 * arch)
        canvas.paint(window, np.minimum(open_, canvas.cover(row, .012)), ivory)
    if mouth.lower_teeth > .05:
        row = down - y - np.float32(.05 * mouth.lower_teeth) * (.5 + .5 * arch)
        canvas.paint(window, np.minimum(open_, canvas.cover(row, .012)), ivory * np.float32(.9))


def _corner(canvas: Canvas, u: float, v: float) -> None:
    window = canvas.window(u, v, .05, .05)
    x, y = canvas.fu[window] - np.float32(u), canvas.fv[window] - np.float32(v)
    spot = clip(1 - (x * x + y * y) * np.float32(1 / .0016), 0, 1)
    canvas.tint(window, spot * np.float32(.5), (.5, .38, .36))
