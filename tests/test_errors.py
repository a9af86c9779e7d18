import pytest

from ssfer_mm.errors import one_line


@pytest.mark.parametrize('error, expected', [
    (ValueError('first\n   second\tthird '), 'first second third'),
    (KeyError('data root'), 'data root'),  # str() of it puts quotes around
    (KeyError(), 'KeyError'),
    (TimeoutError(), 'TimeoutError'),
    ('already\na text', 'already a text'),
])
def test_one_line(error, expected):
    assert one_line(error) == expected


def test_one_line_of_a_library_that_quotes_a_whole_file():
    assert one_line(ValueError('abc ' * 1000), 7) == 'abc abc'
