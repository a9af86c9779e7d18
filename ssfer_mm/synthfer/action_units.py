"""Expressions as graded facial action units.

The numbers are those of the Facial Action Coding System (Ekman, Friesen and Hager, 2002), the
class prototypes follow its emotion tables (EMFACS). Activations lie in about [0, 1.3].
"""

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple

from ..expressions import SYNTHFER8
from .draws import Draws

CLASSES = SYNTHFER8

UNIT_NAMES = {
    1: 'inner brow raiser', 2: 'outer brow raiser', 4: 'brow lowerer', 5: 'upper lid raiser',
    6: 'cheek raiser', 7: 'lid tightener', 9: 'nose wrinkler', 10: 'upper lip raiser',
    12: 'lip corner puller', 14: 'dimpler', 15: 'lip corner depressor', 16: 'lower lip depressor',
    17: 'chin raiser', 20: 'lip stretcher', 23: 'lip tightener', 24: 'lip pressor',
    25: 'lips part', 26: 'jaw drop', 27: 'mouth stretch', 43: 'eyes droop',
}

# Several people, several ways: each class has a few variants, drawn with equal chance.
PROTOTYPES: Mapping[str, Tuple[Dict[int, float], ...]] = {
    'neutral': ({},),
    'happiness': ({6: .8, 12: 1., 25: .6}, {6: .6, 12: .95}, {6: .9, 12: 1.05, 25: .9, 26: .5}),
    'sadness': ({1: 1., 4: .5, 15: 1., 17: .5}, {1: .9, 4: .3, 15: .9, 43: .6},
                {1: .9, 4: .7, 15: .8, 17: .9, 7: .2}),
    'surprise': ({1: 1., 2: 1., 5: .8, 25: .4, 26: .9}, {1: 1., 2: 1., 5: 1., 27: .9},
                 {1: .9, 2: 1., 5: .8, 25: .5, 26: .3}),
    'fear': ({1: 1., 2: .5, 4: .8, 5: 1., 20: .9, 25: .6}, {1: 1., 2: .4, 4: .8, 5: 1., 20: .9,
             25: .6, 26: .5}, {1: .9, 2: .2, 4: .9, 5: .9, 20: 1., 15: .2, 16: .6}),
    'disgust': ({4: .5, 7: .6, 9: 1., 10: .7, 17: .6},
                {4: .5, 7: .7, 9: .9, 10: 1., 25: .6, 16: .3},
                {4: .3, 6: .4, 7: .6, 9: .8, 10: .9, 15: .5, 17: .5}),
    'anger': ({4: 1., 5: .4, 7: .8, 17: .4, 23: 1.}, {4: 1., 5: .3, 7: .7, 10: .4, 16: .6, 25: .9,
              23: .3}, {4: 1., 5: .8, 7: .4, 24: 1., 15: .2}),
    'contempt': ({12: .75, 14: 1.}, {2: -.7, 14: 1., 12: .6, 43: .4}, {10: .5, 12: .75, 14: .9}),
}
# In contempt these act on one side only; the brow (a negative weight) rises on the other one.
_ONE_SIDED = (10, 12, 14, 2)

# Classes that people do mix up; a blend borrows from one of these.
NEIGHBORS = {
    'neutral': ('sadness', 'happiness', 'anger', 'contempt'), 'happiness': ('contempt', 'surprise'),
    'sadness': ('fear', 'disgust', 'neutral'), 'surprise': ('fear', 'happiness'),
    'fear': ('surprise', 'sadness'), 'disgust': ('anger', 'sadness'),
    'anger': ('disgust', 'contempt', 'sadness'), 'contempt': ('happiness', 'disgust', 'neutral'),
}


@dataclass(frozen=True)
class ActionUnits:
    """Activation of each unit on the image's left and right half of the face."""

    left: Mapping[int, float]
    right: Mapping[int, float]

    def side(self, sign: int) -> Mapping[int, float]:
        """The half of the face at ``sign`` (-1 left in the image, +1 right)."""
        return self.left if sign < 0 else self.right

    def both(self, unit: int) -> float:
        """Mean activation of the two halves."""
        return (self.left.get(unit, 0.) + self.right.get(unit, 0.)) / 2


def prototype(expression: str, intensity: float, variant: int = 0, side: int = 1) -> ActionUnits:
    """The textbook face of a class.

    Args:
        expression: one of ``CLASSES``.
        intensity: 0 (nothing shows) to 1 (full).
        variant: which of the class's variants (taken modulo their number).
        side: the side, -1 or +1, on which a one-sided expression (contempt) shows.

    Example:
        >>> prototype('happiness', 0.5).both(12)
        0.5
    """
    variants = PROTOTYPES[expression]
    halves: Dict[int, Dict[int, float]] = {-1: {}, 1: {}}
    for unit, weight in variants[variant % len(variants)].items():
        lone = expression == 'contempt' and unit in _ONE_SIDED
        for sign in (-1, 1):
            where = side if weight > 0 else -side
            if not lone or sign == where:
                halves[sign][unit] = abs(weight) * intensity
    return ActionUnits(halves[-1], halves[1])


def add(first: ActionUnits, second: ActionUnits, share: float) -> ActionUnits:
    """``first + share * second``, unit by unit."""
    def total(one: Mapping[int, float], two: Mapping[int, float]) -> Dict[int, float]:
        return {unit: one.get(unit, 0.) + share * two.get(unit, 0.) for unit in {**one, **two}}
    return ActionUnits(total(first.left, second.left), total(first.right, second.right))


def act(draws: Draws, expression: str, intensity: float, style: Mapping[int, float],
        blend: float) -> ActionUnits:
    """One person's own, imperfect version of an expression.

    Args:
        draws: source of chance.
        expression: the class shown.
        intensity: 0 to 1.
        style: the person's gain per unit (some people hardly move their brows).
        blend: 0 to 1, how much of a neighboring class may mix in.
    """
    side = 1 if draws.chance(.5) else -1
    units = prototype(expression, intensity, draws.pick((1, 1, 1)), side)
    rivals = NEIGHBORS[expression]
    rival = rivals[draws.pick([1] * len(rivals))]
    other = prototype(rival, 1., draws.pick((1, 1, 1)), side)
    units = add(units, other, draws.uniform(0, 1) * blend)
    halves: Dict[int, Dict[int, float]] = {-1: {}, 1: {}}
    for unit in UNIT_NAMES:
        common, idle = draws.uniform(.7, 1.2), draws.uniform(-.9, 1) * .10
        missing = draws.chance(.06)
        for sign in (-1, 1):
            own = units.side(sign).get(unit, 0.) * common * draws.uniform(.92, 1.08)
            gain = .3 if missing else style.get(unit, 1.)
            halves[sign][unit] = round(min(1.3, max(0., own * gain + max(0., idle))), 6)
    return ActionUnits(halves[-1], halves[1])
