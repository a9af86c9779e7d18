"""The sheet of copies: what stands under a pair can be read."""
import numpy as np

from ssfer_mm.apis.dataset.copies_sheet import draw_copies_sheet
from ssfer_mm.apis.drawing import MUTED, SECOND
from ssfer_mm.audit.check_overlap import Pair
from ssfer_mm.audit.parts import Part
from support.photos import photo


def part(name):
    return Part(name, 'test', 'photos', ['a.png'], [photo(0, 48)], [('a',)], np.array([0]),
                ('happiness',))


def test_the_likeness_does_not_lie_over_a_label():
    pair = Pair(part('labeled'), part('test'), 0, 0, 'near', .86, mirrored=True)
    sheet = np.asarray(draw_copies_sheet([pair], [pair]))
    likeness, words = ((sheet == tone).all(-1).any(1) for tone in (SECOND, MUTED))
    assert likeness.any() and words.any() and not (likeness & words).any()
