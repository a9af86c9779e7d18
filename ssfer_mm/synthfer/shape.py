"""Where every part of the face is, once the muscles have moved it.

Face coordinates: u to the image's right, v down, the origin between the eyes' lower lids, 1 unit
about half of the head's height. Crown near v = -1, chin near v = +1.
"""

from dataclasses import dataclass
from functools import partial
from typing import Mapping, Tuple

import numpy as np

from .action_units import ActionUnits
from .identity import Identity

_ANGLES = np.linspace(0, 2 * np.pi, 720, endpoint=False)
# rounded: the last bit of cos differs between maths libraries
_COS, _SIN = np.round(np.cos(_ANGLES), 9), np.round(np.sin(_ANGLES), 9)


@dataclass(frozen=True)
class Head:
    """The head's outline: an ellipse whose width varies with the height.

    A point is inside where ``level(u, v) < 1``.
    """

    width: float
    crown: float
    chin: float
    jaw: float
    temple: float

    def level(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """0 at the center, 1 on the outline, growing outwards."""
        below = v > 0
        q = v * np.where(below, np.float32(1 / self.chin), np.float32(1 / self.crown))
        bend = np.where(below, np.float32(self.jaw), np.float32(self.temple))
        q2 = q * q
        across = u / (np.float32(self.width) * (1 + bend * np.minimum(q2, 1)))
        return np.sqrt(across * across + q2)

    def outline(self) -> np.ndarray:
        """(720, 2) float64 points (u, v) on the outline."""
        bend = np.where(_SIN > 0, self.jaw, self.temple)
        u = self.width * (1 + bend * _SIN * _SIN) * _COS
        return np.stack([u, _SIN * np.where(_SIN > 0, self.chin, self.crown)], 1)


@dataclass(frozen=True)
class Eye:
    """One eye and its brow; x runs from the nose outwards, y down."""

    sign: int
    center: Tuple[float, float]
    width: float
    upper: float
    lower: float
    tilt: float
    iris: float
    squint: float
    brow: Tuple[float, float, float]
    brow_ends: Tuple[float, float]
    brow_width: float


@dataclass(frozen=True)
class Mouth:
    """Corner heights are relative to the middle of the mouth line; negative is up."""

    center: Tuple[float, float]
    half_width: Tuple[float, float]
    corner: Tuple[float, float]
    gap_up: float
    gap_down: float
    lift: Tuple[float, float]
    lip_upper: float
    lip_lower: float
    teeth: float
    lower_teeth: float


@dataclass(frozen=True)
class FaceShape:
    """Everything that the painters need to know about geometry."""

    head: Head
    eyes: Tuple[Eye, Eye]
    mouth: Mouth
    nose_tip: float
    nose_width: float


def _eye(person: Identity, units: ActionUnits, sign: int) -> Eye:
    get = partial(_activation, units.side(sign))
    base = person.eye_open
    upper = base * (1 + .75 * get(5) - .30 * get(7) - .15 * get(6) - .55 * get(43) - .12 * get(9)
                    - .2 * get(4) * (1 - min(1., get(5))))
    lower = base * .72 * (1 + .25 * get(5) - .60 * get(7) - .65 * get(6) - .35 * get(9))
    height = -person.brow_height
    inner = height + .02 - .17 * get(1) + .135 * get(4) + .05 * get(9) + person.brow_tilt
    middle = (height - person.brow_arch - .07 * get(1) - .13 * get(2) + .10 * get(4)
              + .03 * get(9) + .015 * get(6))
    outer = (height + .03 + .02 * get(1) - .11 * get(2) + .02 * get(4) - person.brow_tilt
             + .02 * get(6))
    near = .105 - .05 * get(4) - .02 * get(9)
    return Eye(sign, (sign * person.eye_gap, 0.), person.eye_width * (1 - .05 * get(6)),
               max(.008, upper), max(.006, lower),
               person.eye_tilt + .16 * min(1., get(1)) * min(1., get(4) + get(15)),
               .085 * (.5 + .5 * person.eye_width / .18), max(get(6), .7 * get(7)),
               (inner, middle, outer), (near, person.eye_gap + person.eye_width * 1.12),
               person.brow_width)


def _activation(side: Mapping[int, float], unit: int) -> float:
    return side.get(unit, 0.)


def _mouth(person: Identity, units: ActionUnits) -> Mouth:
    both = units.both
    half, corner, lift = [], [], []
    for sign in (-1, 1):
        get = partial(_activation, units.side(sign))
        half.append(person.mouth_width * (
            1 + .34 * get(12) + .30 * get(20) + .15 * get(14) - .05 * get(17)
            - .12 * get(23) - .06 * get(24) - .24 * get(27) - .16 * get(26)))
        corner.append(person.corner_rest - .165 * get(12) - .07 * get(14) + .14 * get(15)
                      + .04 * get(20) + .055 * get(17) + .02 * get(10))
        lift.append(.075 * get(10) + .03 * get(9))
    tight = min(.85, .75 * both(23) + .75 * both(24) + .3 * both(20) + .25 * both(12))
    part = .028 * both(25)
    drop = .12 * both(26) + .20 * both(27)
    gap_up = part + .35 * drop + .01 * both(12) * both(25)
    gap_down = part + drop + .035 * both(16) + .06 * both(12) * min(1., both(25))
    rise = -.035 * both(17) - .02 * both(12)
    return Mouth((0., person.mouth_height + rise + .15 * drop), (half[0], half[1]),
                 (corner[0], corner[1]), gap_up, gap_down, (lift[0], lift[1]),
                 person.lip_upper * (1 - tight), person.lip_lower * (1 - tight * .9)
                 + .012 * both(17), min(1., both(25) * (.9 * both(12) + .6 * both(10) + .5)
                                        + .3 * both(20)),
                 min(1., both(16) + .4 * both(20)))


def move(person: Identity, units: ActionUnits) -> FaceShape:
    """The person's face with the action units applied.

    Returns:
        Geometry in face units (see the module's text).
    """
    drop = .06 * units.both(26) + .13 * units.both(27)
    head = Head(person.width, person.crown, person.chin + drop, person.jaw, person.temple)
    return FaceShape(head, (_eye(person, units, -1), _eye(person, units, 1)),
                     _mouth(person, units), person.nose_length - .05 * units.both(9),
                     person.nose_width * (1 + .25 * units.both(9) + .1 * units.both(10)))
