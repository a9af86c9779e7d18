"""Who is who from frame to frame, and how quickly an expression is believed."""
import math

import pytest

from ssfer_mm import UserError
from ssfer_mm.inference.results import FaceResult
from ssfer_mm.inference.tracking import SmoothingTracker, iou


def face(x, anger=0., y=0.):
    return FaceResult((x, y, x + 10, y + 10), 0.9, dict(anger=anger, neutral=1 - anger))


def numbers(faces):
    return [found.track for found in faces]


def test_people_keep_their_numbers_in_any_order():
    track = SmoothingTracker(0.5)
    assert numbers(track([face(0), face(50)], 0.0)) == [1, 2]
    assert numbers(track([face(52), face(2)], 0.1)) == [2, 1]
    assert numbers(track([face(54), face(80), face(4)], 0.2)) == [2, 3, 1]


def test_the_better_overlap_wins_and_each_is_used_once():
    track = SmoothingTracker(0.5)
    track([face(0)], 0.0)
    assert numbers(track([face(4), face(1)], 0.1)) == [2, 1]


def test_out_of_sight_for_a_moment_and_for_long():
    track = SmoothingTracker(0.5)
    track([face(0)], 0.0)
    track([], 0.5)
    assert numbers(track([face(1)], 1.0)) == [1]
    track([], 1.5)
    assert numbers(track([face(1)], 2.1)) == [2]


@pytest.mark.parametrize('rate', [0.5, 10, 50])
def test_the_average_depends_on_seconds_not_on_frames(rate):
    track = SmoothingTracker(0.5)
    track([face(0, anger=0)], 0.0)
    frames = max(1, round(rate))
    for k in range(1, frames + 1):
        found, = track([face(0, anger=1)], k / rate)
    assert found.probabilities['anger'] == pytest.approx(1 - math.exp(-frames / rate / 0.5))
    assert sum(found.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize('moved, number', [(5, 1), (6, 2)])
def test_a_little_overlap_is_somebody_else(moved, number):
    """A third is enough, a quarter is not."""
    track = SmoothingTracker(0.5)
    track([face(0)], 0.0)
    assert numbers(track([face(moved)], 0.1)) == [number]


def test_who_remains_of_two_is_the_nearer_one():
    track = SmoothingTracker(0.5)
    track([face(0), face(4)], 0.0)
    assert numbers(track([face(1)], 0.1)) == [1]


def test_who_walks_on_is_followed():
    track = SmoothingTracker(0.5)
    assert [numbers(track([face(4 * k)], k / 10)) for k in range(6)] == [[1]] * 6


def test_a_time_stamp_that_goes_back_adds_nothing():
    track = SmoothingTracker(0.5)
    track([face(0, anger=0.2)], 1.0)
    found, = track([face(0, anger=0.9)], 0.5)
    assert found.probabilities['anger'] == pytest.approx(0.2)


def test_the_first_sight_is_believed_whole():
    found, = SmoothingTracker(0.5)([face(0, anger=0.7)], 12.)
    assert found.probabilities['anger'] == 0.7 and found.label == 'anger'


def test_iou():
    assert iou((0, 0, 2, 2), (2, 0, 4, 2)) == iou((0, 0, 2, 2), (0, 3, 2, 5)) == 0
    assert iou((0, 0, 4, 4), (0, 0, 4, 2)) == 0.5


@pytest.mark.parametrize('seconds', [0, -1, math.inf, math.nan])
def test_time_constants_out_of_range(seconds):
    with pytest.raises(UserError, match='--smooth'):
        SmoothingTracker(seconds)
