"""What is found, as it is written into files."""
import pytest

from ssfer_mm.inference.results import FaceResult, ImageResult

FACE = FaceResult((1.23456, -2., 30.5, 40.), 0.987654, dict(joy=0.12345678, fear=0.87654322))


def test_a_face_in_a_file_has_no_more_digits_than_it_needs():
    expected = dict(box=[1.23, -2., 30.5, 40.], score=0.9877, label='fear',
                    probabilities=dict(joy=0.123457, fear=0.876543))
    assert FACE.to_dict() == expected
    followed = FACE.smoothed([0.75, 0.25], 4)
    assert followed.to_dict() == dict(expected, label='joy', track=4,
                                      probabilities=dict(joy=0.75, fear=0.25))


@pytest.mark.parametrize('facts, expected', [
    (dict(status='ok', faces=(FACE, ), size=(80, 60)), dict(width=80, height=60)),
    (dict(status='no face', size=(8, 6), frame=0, time=0.), dict(width=8, height=6, frame=0,
                                                                time=0.)),
    (dict(status='ok', frame=7, time=0.29166), dict(frame=7, time=0.292)),
    (dict(status='unreadable: cut'), {})])
def test_an_image_in_a_file_has_what_is_known_of_it(facts, expected):
    result = ImageResult('a.png', **facts)
    assert result.to_dict() == dict(
        expected, source='a.png', status=facts['status'],
        faces=[face.to_dict() for face in facts.get('faces', ())])
    assert result.readable == (facts['status'] in ('ok', 'no face'))


def test_the_most_probable_classes_come_first():
    assert FACE.top(1) == [('fear', 0.87654322)] and [name for name, _ in FACE.top(None)] == [
        'fear', 'joy']
