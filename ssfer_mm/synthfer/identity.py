"""Who the person is: colors, proportions, hair, glasses, beard, and a personal way to move."""

from dataclasses import dataclass
from typing import Mapping, Tuple

from .action_units import UNIT_NAMES
from .draws import Draws

Color = Tuple[float, float, float]

SKIN = ((.98, .86, .78), (.95, .79, .68), (.91, .73, .59), (.83, .63, .48), (.72, .52, .38),
        (.58, .40, .28), (.45, .30, .21), (.34, .22, .16))
HAIR = ((.09, .08, .08), (.17, .12, .09), (.33, .21, .13), (.46, .22, .11), (.78, .61, .36),
        (.58, .57, .56), (.84, .83, .80), (.42, .30, .55))
IRIS = ((.24, .15, .09), (.36, .23, .12), (.30, .45, .62), (.33, .45, .30), (.45, .50, .52))
HAIR_STYLES = ('bald', 'buzz', 'short', 'parted', 'bangs', 'long', 'curly', 'bun', 'scarf',
               'beanie')


@dataclass(frozen=True)
class Identity:
    """A person. Lengths are in face units: 1 is about half the head's height."""

    skin: Color
    hair: Color
    cloth: Color
    lip: Color
    iris: Color
    width: float
    crown: float
    chin: float
    jaw: float
    temple: float
    eye_gap: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    brow_height: float
    brow_width: float
    brow_arch: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_width: float
    mouth_height: float
    lip_upper: float
    lip_lower: float
    corner_rest: float
    age: float
    blush: float
    hair_style: str
    hairline: float
    hair_part: float
    hair_volume: float
    beard: float
    moustache: float
    glasses: float
    glasses_round: float
    style: Mapping[int, float]


def _mix(one: Color, two: Color, share: float) -> Color:
    return tuple(round(a + (b - a) * share, 6) for a, b in zip(one, two))


def _colors(draws: Draws) -> dict:
    tone = draws.uniform(0, len(SKIN) - 1.001)
    skin = _mix(SKIN[int(tone)], SKIN[int(tone) + 1], tone % 1)
    skin = tuple(c * draws.uniform(.97, 1.02) for c in skin)
    dark = (6, 5, 2, 1, 1, 1, .7, .2) if tone > 3.5 else (3, 4, 4, 2, 4, 1.5, 1, .4)
    hair = tuple(min(1., c * draws.uniform(.85, 1.15)) for c in HAIR[draws.pick(dark)])
    made_up = draws.chance(.18)
    paint = (draws.uniform(.55, .85), draws.uniform(.10, .25), draws.uniform(.16, .32))
    natural = (skin[0] * .86, skin[1] * .63, skin[2] * .64)
    iris = IRIS[draws.pick((5, 3, .3, .3, .3) if tone > 3.5 else (3, 3, 2, 1.5, 1))]
    return dict(skin=skin, hair=hair, cloth=draws.color(.1, .85), iris=iris,
                lip=_mix(natural, paint, draws.uniform(.5, .9) if made_up else 0.),
                blush=draws.uniform(.0, .5) + (.35 if made_up else 0.))


def draw_identity(draws: Draws) -> Identity:
    """A new person.

    Args:
        draws: the stream that belongs to this person.
    """
    colors = _colors(draws)
    bearded = draws.chance(.28)
    hair_style = HAIR_STYLES[draws.pick((.7, 1, 2, 2, 1.6, 2, 1.5, .8, .7, .5))]
    return Identity(
        **colors,
        width=draws.middle(.66, .82), crown=draws.middle(.92, 1.04), chin=draws.middle(.90, 1.08),
        jaw=draws.middle(-.22, .20), temple=draws.middle(-.05, .12),
        eye_gap=draws.middle(.30, .37), eye_width=draws.middle(.155, .21),
        eye_open=draws.middle(.08, .12), eye_tilt=draws.middle(-.16, .14),
        brow_height=draws.middle(.20, .28), brow_width=draws.middle(.026, .055),
        brow_arch=draws.middle(.0, .05), brow_tilt=draws.middle(-.05, .05),
        nose_length=draws.middle(.34, .44), nose_width=draws.middle(.09, .15),
        mouth_width=draws.middle(.23, .33), mouth_height=draws.middle(.58, .66),
        lip_upper=draws.middle(.03, .075), lip_lower=draws.middle(.04, .095),
        corner_rest=draws.middle(-.035, .03), age=draws.middle(0., 1.),
        hair_style=hair_style, hairline=draws.middle(-.72, -.50), hair_part=draws.uniform(-1, 1),
        hair_volume=draws.middle(0., 1.),
        beard=draws.uniform(.3, 1.) if bearded and draws.chance(.7) else 0.,
        moustache=draws.uniform(.4, 1.) if bearded and draws.chance(.7) else 0.,
        glasses=draws.uniform(.3, 1.) if draws.chance(.22) else 0.,
        glasses_round=draws.uniform(0., 1.),
        style={unit: draws.middle(.65, 1.4) for unit in UNIT_NAMES})
