"""Everything about a picture that is neither the person nor the expression."""

import math
from dataclasses import dataclass
from typing import Tuple

from .draws import Draws
from .identity import Color

OCCLUDERS = ('none', 'hand', 'mask', 'lock', 'object')


@dataclass(frozen=True)
class Scene:
    """Pose, light, surroundings and camera of one picture.

    ``scale`` is the number of image heights per face unit; ``center`` is where the face's origin
    lies, in image heights; ``yaw`` and ``pitch`` are shifts of the face's middle in face units.
    """

    angle: float = 0.
    scale: float = .43
    center: Tuple[float, float] = (.5, .5)
    yaw: float = 0.
    pitch: float = 0.
    gaze: Tuple[float, float] = (0., 0.)
    light: Tuple[float, float, float] = (-.35, -.45, .8)
    ambient: float = .55
    light_color: Color = (1., 1., 1.)
    back: Tuple[Color, Color] = ((.55, .62, .70), (.80, .82, .84))
    back_tilt: float = .3
    clutter: int = 0
    occluder: str = 'none'
    occluder_place: Tuple[float, float, float] = (0., 0., 0.)
    occluder_color: Color = (.6, .7, .8)
    blur: float = 0.
    noise: float = 0.
    contrast: float = 1.
    brightness: float = 0.
    blocks: float = 0.
    grey: bool = False


def _light(draws: Draws) -> dict:
    across, down = draws.uniform(-.9, .9), draws.middle(-.9, .3)
    length = math.sqrt(across * across + down * down + .64)
    warm = draws.middle(-.14, .14)
    return dict(light=(round(across / length, 6), round(down / length, 6), round(.8 / length, 6)),
                ambient=draws.middle(.25, .7),
                light_color=(1 + warm, 1 + draws.uniform(-.03, .03), 1 - warm))


def _occlusion(draws: Draws, difficulty: float) -> dict:
    d = difficulty
    kind = OCCLUDERS[draws.pick((1, .03 * d, .006 * d, .018 * d, .02 * d))]
    place = draws.uniform(-1, 1), draws.uniform(-1, 1), draws.uniform(0, 1)
    return dict(occluder=kind, occluder_place=place, occluder_color=draws.color(.15, .9))


def draw_scene(draws: Draws, difficulty: float) -> Scene:
    """A new picture.

    Args:
        draws: the stream that belongs to this picture.
        difficulty: 0 (a passport photograph) upwards; 1 is the benchmark's own level.
    """
    d = difficulty
    back = draws.color(.05, 1.)
    grey = sum(back) / 3
    back = tuple(round(.45 * c + .55 * grey, 6) for c in back)
    return Scene(
        **_light(draws), **_occlusion(draws, d),
        angle=draws.middle(-10, 10) * d, scale=draws.middle(.41, .52),
        center=(.5 + draws.middle(-.04, .04) * d, .5 + draws.middle(-.035, .035) * d),
        yaw=draws.middle(-.09, .09) * min(d, 2.5), pitch=draws.middle(-.06, .06) * min(d, 2.5),
        gaze=(draws.middle(-1, 1), draws.middle(-.7, .7)),
        back=(back, tuple(min(1., c * draws.uniform(.5, 1.5)) for c in back)),
        back_tilt=draws.uniform(-1, 1), clutter=draws.pick((2, 1, 1, 1, 1, 1)),
        blur=max(0., draws.uniform(-.4, .45)) * d, noise=max(0., draws.uniform(-.02, .017)) * d,
        contrast=1 + draws.middle(-.16, .14) * d, brightness=draws.middle(-.065, .07) * d,
        blocks=max(0., draws.uniform(-.06, .03)) * d, grey=draws.chance(.35))
