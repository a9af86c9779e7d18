"""Action units move the face the way the muscles do."""
import numpy as np
import pytest

from ssfer_mm.synthfer import CLASSES, SynthFERGenerator
from ssfer_mm.synthfer.action_units import PROTOTYPES, UNIT_NAMES, add, prototype
from ssfer_mm.synthfer.draws import Draws
from ssfer_mm.synthfer.identity import draw_identity
from ssfer_mm.synthfer.shape import move

PEOPLE = [draw_identity(Draws(f'person {i}')) for i in range(12)]


def posed(person, expression, intensity=1., variant=0):
    return move(person, prototype(expression, intensity, variant))


def corners(shape):
    """Height of the mouth's corners above its middle (up is positive)."""
    return -np.array(shape.mouth.corner)


def brow(shape, place):
    return -np.array([eye.brow[place] for eye in shape.eyes])


def opening(shape):
    return np.array([eye.upper + eye.lower for eye in shape.eyes])


def gap(shape):
    return shape.mouth.gap_up + shape.mouth.gap_down


@pytest.mark.parametrize('variant', range(3))
@pytest.mark.parametrize('person', PEOPLE)
class TestSamePersonOtherExpression:
    def test_happiness_raises_the_corners_and_sadness_lowers_them(self, person, variant):
        calm = corners(posed(person, 'neutral'))
        assert (corners(posed(person, 'happiness', 1, variant)) > calm + .1).all()
        assert (corners(posed(person, 'sadness', 1, variant)) < calm - .1).all()

    def test_surprise_opens_eyes_and_mouth_and_raises_brows(self, person, variant):
        calm, shape = posed(person, 'neutral'), posed(person, 'surprise', 1, variant)
        assert (opening(shape) > opening(calm) * 1.2).all() and gap(shape) > gap(calm) + .03
        assert (brow(shape, 2) > brow(calm, 2) + .05).all()

    def test_anger_lowers_brows_and_sadness_raises_their_inner_ends(self, person, variant):
        calm = posed(person, 'neutral')
        assert (brow(posed(person, 'anger', 1, variant), 0) < brow(calm, 0) - .05).all()
        assert (brow(posed(person, 'sadness', 1, variant), 0) > brow(calm, 0) + .05).all()

    def test_fear_is_wide_eyed_with_a_wide_mouth(self, person, variant):
        calm, shape = posed(person, 'neutral'), posed(person, 'fear', 1, variant)
        assert (opening(shape) > opening(calm) * 1.2).all()
        assert min(shape.mouth.half_width) > min(calm.mouth.half_width) * 1.05

    def test_disgust_wrinkles_the_nose(self, person, variant):
        calm, shape = posed(person, 'neutral'), posed(person, 'disgust', 1, variant)
        assert shape.nose_tip < calm.nose_tip and shape.nose_width > calm.nose_width * 1.1
        assert min(shape.mouth.lift) > .05

    def test_contempt_is_one_sided_and_nothing_else_is(self, person, variant):
        left, right = corners(posed(person, 'contempt', 1, variant))
        assert right > left + .08
        for expression in set(CLASSES) - {'contempt'}:
            left, right = corners(posed(person, expression, 1, variant))
            assert left == pytest.approx(right)


@pytest.mark.parametrize('expression', CLASSES[1:])
def test_more_intensity_moves_more(expression):
    def moved(intensity):
        shape, calm = posed(PEOPLE[0], expression, intensity), posed(PEOPLE[0], 'neutral')
        return sum(abs(np.array(a) - np.array(b)).sum() for a, b in (
            (corners(shape), corners(calm)), (brow(shape, 0), brow(calm, 0)),
            (opening(shape), opening(calm)), (shape.nose_tip, calm.nose_tip)))
    assert 0 < moved(.3) < moved(.6) < moved(1.)


def test_zero_intensity_is_neutral():
    assert all(posed(PEOPLE[0], name, 0.) == posed(PEOPLE[0], 'neutral') for name in CLASSES)


def test_every_class_has_prototypes_of_known_units():
    assert set(PROTOTYPES) == set(CLASSES)
    assert {unit for faces in PROTOTYPES.values() for face in faces for unit in face} <= set(
        UNIT_NAMES)


def test_add_is_a_weighted_sum():
    both = add(prototype('happiness', 1.), prototype('fear', 1.), .5)
    assert both.both(12) == 1. and both.both(20) == pytest.approx(.45)
    assert both.both(25) == pytest.approx(.6 + .5 * .6)


def test_expressions_show_in_the_pixels():
    """Same person, same light: two classes differ where the face is, not elsewhere."""
    generator = SynthFERGenerator(0, 64)
    happy, sad = (generator.render(generator.portrait('train', 4, name, 1.)).image.astype(int)
                  for name in ('happiness', 'sadness'))
    change = abs(happy - sad).max(-1) > 25
    assert change.sum() > 60
    rows = np.nonzero(change.any(1))[0]
    assert rows.min() > 12 and change[:, :8].sum() == 0
