"""Choosing a face: each rule picks what its name says, and says so when it cannot."""
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_line import FaceRecord
from ssfer_mm.faces.choose import choose_face, faces_above

BIG, MIDDLE, SURE = (0, 0, 30, 40), (48, 48, 54, 54), (80, 0, 90, 10)
CROWD = FaceRecord('crowd', (BIG, MIDDLE, SURE), (.6, .7, .9), 100, 100)


@pytest.mark.parametrize('rule, box', [
    ('only', None), ('largest', BIG), ('central', MIDDLE), ('best', SURE)])
def test_each_rule_among_several(rule, box):
    assert choose_face(CROWD, rule) == box


def test_the_largest_has_the_largest_area_not_the_longest_edge():
    wide, tall, square = (0, 0, 40, 10), (50, 0, 60, 40), (60, 60, 85, 85)
    assert choose_face(FaceRecord('x', (wide, tall, square), (.9, .9, .5)), 'largest') == square


@pytest.mark.parametrize('rule', ['only', 'largest', 'central', 'best'])
def test_one_face_needs_no_rule_and_none_gives_none(rule):
    assert choose_face(FaceRecord('a', (BIG, ), (.6, ), 100, 100), rule) == BIG
    assert choose_face(FaceRecord('a'), rule) is None


@pytest.mark.parametrize('rule, threshold, box', [
    ('only', .8, SURE),  # the others do not count, so it is the only one
    ('only', .65, None),
    ('largest', .65, SURE),  # 100 square pixels against 36
    ('central', .9, SURE),  # the threshold itself is enough
    ('best', .95, None),
])
def test_faces_below_the_threshold_do_not_count(rule, threshold, box):
    assert choose_face(CROWD, rule, threshold) == box


def test_equals_are_decided_by_score_and_then_by_order():
    a, b = (0, 0, 10, 10), (20, 0, 30, 10)
    assert choose_face(FaceRecord('x', (a, b), (.5, .9)), 'largest') == b
    assert choose_face(FaceRecord('x', (a, b), (.9, .9)), 'largest') == a
    assert choose_face(FaceRecord('x', (a, b)), 'largest') == a


@pytest.mark.parametrize('far', [(85, 45, 95, 55), (5, 45, 15, 55), (45, 85, 55, 95),
                                 (45, 5, 55, 15)])
def test_central_is_nearest_to_the_middle_on_either_axis(far):
    middle = (40, 40, 60, 60)
    assert choose_face(FaceRecord('x', (far, middle), (.9, .9), 100, 100), 'central') == middle


def test_a_face_that_reaches_past_the_image_is_central_by_its_middle():
    edge, inside = (-40, 40, 20, 60), (60, 40, 70, 60)
    assert choose_face(FaceRecord('x', (edge, inside), (.9, .9), 100, 100), 'central') == inside


@pytest.mark.parametrize('rule, threshold, says', [
    ('best', 0., 'no scores'), ('only', .5, 'no scores'), ('central', 0., 'no width and height')])
def test_what_the_record_lacks_is_named(rule, threshold, says):
    with pytest.raises(UserError, match=f"{says} for 'bare'"):
        choose_face(FaceRecord('bare', (BIG, SURE)), rule, threshold)


@pytest.mark.parametrize('rule, threshold, says', [
    ('biggest', 0., "'biggest' is not a rule.*'largest'"), ('only', 1.5, 'min_score must be'),
    ('only', True, 'min_score must be'), ('only', '0.5', 'min_score must be'),
    ('only', float('nan'), 'min_score must be')])
def test_nonsense_is_explained(rule, threshold, says):
    with pytest.raises(UserError, match=says):
        choose_face(CROWD, rule, threshold)


def test_an_image_without_faces_needs_no_scores():
    assert faces_above(FaceRecord('empty'), .5) == []
