"""Endless labeled faces, item by item."""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from ..errors import UserError
from ..ranges import check_number
from ..subset_names import POOLS
from .action_units import CLASSES, ActionUnits, act, prototype
from .camera import expose
from .canvas import Canvas
from .draws import Draws
from .identity import Identity, draw_identity
from .paint_extras import paint_glasses, paint_occluder
from .paint_features import paint_brow, paint_eye, paint_mouth
from .paint_hair import Hair, paint_beard
from .paint_head import paint_background, paint_ears, paint_head, paint_neck
from .scene import Scene, draw_scene
from .shape import Head, move

# Raise whenever any picture changes: caches of older pictures are then left alone.
VERSION = 2
# Shares of the classes, in the order of CLASSES. Faces found in the wild smile or do nothing.
FREQUENCIES = {
    'train': (.19, .19, .13, .13, .09, .08, .11, .08),
    'test': (.19, .19, .13, .13, .09, .08, .11, .08),
    'pretrain': (.36, .30, .09, .07, .04, .04, .07, .03),
}


@dataclass(frozen=True)
class Recipe:
    """All there is to know about a face before it is painted."""

    key: str
    person: Identity
    units: ActionUnits
    scene: Scene
    label: int
    intensity: float


@dataclass(frozen=True)
class SynthFace:
    """One picture: ``image`` (size, size, 3) uint8 RGB, ``label`` in the order of ``CLASSES``,
    ``box`` (x1, y1, x2, y2) of the head in continuous pixels (may reach past the picture),
    ``expression`` the label's name, ``intensity`` 0-1."""

    image: np.ndarray
    label: int
    box: Tuple[float, float, float, float]
    expression: str
    intensity: float


class SynthFERGenerator:
    """Item ``index`` of a pool is the same forever, on every machine, in any order.

    Args:
        seed: another seed, other people.
        size: side of the square pictures, 16 px or more.
        difficulty: 0 (clear faces, passport light) upwards; 1 is the benchmark.

    Example:
        >>> face = SynthFERGenerator(seed=0, size=48).item('train', 0)
        >>> face.image.shape
        (48, 48, 3)
    """

    def __init__(self, seed: int = 0, size: int = 48, difficulty: float = 1.) -> None:
        check_number('SynthFER', 'size (pixels)', size, low=16, whole=True)
        check_number('SynthFER', 'difficulty', difficulty, high=3)
        self.seed, self.size, self.difficulty = int(seed), size, float(difficulty)

    def item(self, pool: str, index: int) -> SynthFace:
        """Face ``index`` (0 upwards, without end) of a pool."""
        return self.render(self.recipe(pool, index))

    def recipe(self, pool: str, index: int, expression: Optional[str] = None,
               intensity: Optional[float] = None) -> Recipe:
        """What ``item`` paints; the expression and its intensity may be chosen."""
        if pool not in POOLS:
            raise UserError(f'SynthFER pool {pool!r}: expected one of {", ".join(POOLS)}')
        if index < 0:
            raise UserError(f'SynthFER index {index}: expected 0 or more')
        key = f'{self.seed}/{pool}/{index}'
        person = draw_identity(Draws(key + '/person'))
        draws = Draws(key + '/expression')
        drawn = draws.pick(FREQUENCIES[pool])
        label = drawn if expression is None else _label(expression)
        d = self.difficulty
        strength = min(1., round(1 - (1 - draws.middle(.45, 1.1)) * d, 6))
        strength = max(.1, strength) if intensity is None else intensity
        blend = d * (.05 + .18 * strength) if draws.chance(.35) else 0.
        units = act(draws, CLASSES[label], strength, person.style, blend)
        scene = draw_scene(Draws(key + '/scene'), d)
        return Recipe(key, person, units, scene, label, strength)

    def portrait(self, pool: str, index: int, expression: str, intensity: float,
                 variant: int = 0) -> Recipe:
        """The person of an item in a plain studio, showing a textbook expression."""
        person = draw_identity(Draws(f'{self.seed}/{pool}/{index}/person'))
        label = _label(expression)
        units = prototype(expression, intensity, variant)
        return Recipe(f'{self.seed}/{pool}/{index}', person, units, Scene(), label,
                      intensity)

    def render(self, recipe: Recipe) -> SynthFace:
        """Paint a recipe."""
        person, scene = recipe.person, recipe.scene
        shape = move(person, recipe.units)
        canvas = Canvas(self.size, scene, shape.head)
        draws = Draws(recipe.key + '/paint')
        paint_background(canvas, draws)
        hair = Hair(canvas, person, draws)
        hair.behind()
        paint_neck(canvas, person)
        paint_ears(canvas, person)
        paint_head(canvas, person, shape, recipe.units, draws)
        paint_beard(canvas, person, shape, draws)
        for eye in shape.eyes:
            paint_eye(canvas, person, eye)
        for eye in shape.eyes:
            paint_brow(canvas, person, eye)
        paint_mouth(canvas, person, shape.mouth)
        paint_glasses(canvas, person)
        hair.front()
        paint_occluder(canvas, person, draws)
        image = expose(canvas.reduce(), scene, _gain(person), Draws(recipe.key + '/pixels'))
        return SynthFace(image, recipe.label, face_box(canvas, shape.head, self.size),
                         CLASSES[recipe.label], recipe.intensity)


def _label(expression: str) -> int:
    if expression not in CLASSES:
        raise UserError(f'SynthFER expression {expression!r}: expected one of {", ".join(CLASSES)}')
    return CLASSES.index(expression)


def _gain(person: Identity) -> float:
    """Cameras expose for the face: more for dark skin, less for light."""
    red, green, blue = person.skin
    return round(1 + .55 * (.62 - .3 * red - .6 * green - .1 * blue), 6)


def face_box(canvas: Canvas, head: Head, size: int) -> Tuple[float, float, float, float]:
    """The tightest box around the head's outline, (x1, y1, x2, y2) in picture pixels."""
    points = head.outline()
    x, y = canvas.to_pixel(points[:, 0], points[:, 1])
    share = size / canvas.n
    return tuple(round(float(edge) * share, 4) for edge in (x.min(), y.min(), x.max(), y.max()))
