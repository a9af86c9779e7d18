"""Copies in parts: which of them counts, and how serious it is."""
import numpy as np
import pytest

from ssfer_mm.audit.check_overlap import check_overlap, find_pairs, find_pairs_inside
from ssfer_mm.audit.duplicates import Copies
from ssfer_mm.audit.file_facts import FileFacts
from ssfer_mm.audit.parts import Part


def part(role, pictures, labels=None, name='', blank=False):
    """A part of the pictures with these one-letter names; their ids are ``role/place``."""
    ids = [f'{role}/{place}' for place in range(len(pictures))]
    return Part(name or role, role, '', ids, [], [(one, ) for one in ids],
                labels=labels and np.array(labels), classes=('joy', 'fear'),
                facts=[FileFacts(content=picture.encode(), contrast=0. if blank else 50.)
                       for picture in pictures])


def near(first, second, score=0.8, mirrored=False):
    return Copies(first.encode(), second.encode(), score, mirrored)


def shown(pairs):
    return [(pair.kind, pair.i, pair.j) for pair in pairs]


@pytest.mark.parametrize('pictures, expected', [
    ('a', ('near', 0, 2)),  # the better one of b and c
    ('b', ('exact', 0, 1)), ('x', None), ('e', ('near', 0, 1))])
def test_of_several_copies_the_closest_counts(pictures, expected):
    copies = [near('a', 'b', 0.8), near('c', 'a', 0.9, True), near('a', 'nowhere', 0.99),
              near('b', 'c', 0.95), near('b', 'e')]
    pairs = find_pairs(part('labeled', pictures), part('test', 'dbc'), copies)
    assert shown(pairs) == ([expected] if expected else [])
    assert str(pairs[0]) == 'labeled/0 = test/2 (0.90, mirrored)' if pictures == 'a' else True


def test_the_same_image_is_more_than_a_copy():
    first, second = part('labeled', 'ab'), part('test', 'xa')
    first.keys[0] = ('other', 'file')
    second.keys[0] = ('file', )
    assert shown(find_pairs(first, second, [])) == [('same image', 0, 0)]


@pytest.mark.parametrize('pictures, blank', [('aa', True), (['', ''], False)],
                         ids=['blank', 'unreadable'])
def test_what_shows_nothing_is_no_copy(pictures, blank):
    first, second = (part(role, pictures, blank=blank) for role in ('labeled', 'test'))
    assert find_pairs(first, second, []) == find_pairs_inside(first, []) == []


def test_inside_a_part_each_later_copy_is_one_of_the_first():
    copies = [near('a', 'c'), near('a', 'nowhere'), near('nowhere', 'a')]
    assert shown(find_pairs_inside(part('test', 'aabca'), copies)) == [
        ('exact', 0, 1), ('exact', 0, 4), ('near', 0, 3)]


@pytest.mark.parametrize('first, second, exact, alike', [
    ('labeled', 'test', 'error', 'warning'), ('labeled', 'validation', 'error', 'warning'),
    ('unlabeled', 'test', 'warning', 'warning'), ('pre-training', 'test', 'warning', 'warning'),
    ('labeled', 'unlabeled', 'note', 'note'), ('unlabeled', 'pre-training', None, None),
    ('validation', 'test', None, None)])
def test_how_serious_a_copy_is(first, second, exact, alike):
    for picture, severity in (('a', exact), ('b', alike)):
        findings, pairs = check_overlap([part(second, 'a'), part(first, picture)],
                                        [near('a', 'b')])
        assert [finding.severity for finding in findings] == ([severity] if severity else [])
        assert [(pair.first.role, pair.second.role) for pair in pairs] == (
            [(first, second)] if severity else [])


@pytest.mark.parametrize('role, refused, severity, says', [
    ('labeled', True, 'error', 'training refuses to start'),
    ('unlabeled', True, 'error', 'training refuses to start'),
    ('labeled', False, 'error', 'partly learned by heart'),  # no SemiSupervisedDataset
    ('unlabeled', False, 'warning', 'seen without labels'),  # transductive
    ('pre-training', False, 'warning', 'seen without labels')])
def test_images_that_training_is_measured_on(role, refused, severity, says):
    test = part('test', 'a')
    trained = part(role, 'a')
    trained.keys, trained.guarded = test.keys, refused
    finding, = check_overlap([trained, test], [])[0]
    assert (finding.severity, finding.kind) == (severity, 'same image')
    assert finding.text.endswith(says)


def test_the_most_serious_pairs_come_first():
    parts = [part('test', 'abb'), part('unlabeled', 'a'), part('labeled', 'b')]
    assert [(pair.first.role, pair.second.role) for pair in check_overlap(parts, [])[1]] == [
        ('labeled', 'test'), ('unlabeled', 'test'), ('test', 'test')]


def test_labels_of_copies_that_contradict_each_other():
    findings, _ = check_overlap([part('labeled', 'aab', labels=[0, 1, 1])], [near('a', 'b')])
    assert [(f.kind, f.names) for f in findings if f.severity == 'warning'] == [
        ('contradictory labels', ['labeled/0 = labeled/1: joy, fear',
                                  'labeled/0 = labeled/2 (0.80): joy, fear'])]
    findings, _ = check_overlap([part('labeled', 'aa', labels=[1, 1]), part('test', 'cc')], [])
    assert [f.kind for f in findings] == ['exact copy'] * 2
