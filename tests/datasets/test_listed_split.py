"""A list of labeled images that somebody else made becomes a split like any other."""
from dataclasses import replace

import pytest

from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.listed_split import listed_split, read_id_list
from ssfer_mm.datasets.splits import check_split, load_split, save_split, split_table
from ssfer_mm.errors import UserError

DATA = 'toy', ('a', 'b'), list('pqrstu'), [0, 0, 1, 0, 1, 0]


def test_it_is_the_split_that_was_drawn_in_whatever_order():
    drawn = draw_split(*DATA, fraction=.5, seed=3)
    listed = listed_split(*DATA, drawn.labeled[::-1])
    assert replace(listed, fraction=.5, seed=3) == drawn


def test_it_is_kept_in_a_file_and_checked_as_others(tmp_path):
    path = str(tmp_path / 'split.json')
    save_split(listed_split(*DATA, ['u', 'r']), path)
    split = load_split(path)
    check_split(split, *DATA)
    assert split.labeled == ('r', 'u') and split.counts == dict(a=(1, 4), b=(1, 2))
    with pytest.raises(UserError, match=r'make_split.py CONFIG --ids LIST --out FILE'):
        check_split(split, 'toy', ('b', 'a'), *DATA[2:])


def test_a_class_without_images_has_a_line_in_the_table():
    table = split_table(listed_split('toy', ('a', 'b'), ['p', 'q'], [0, 0], ['p']))
    assert [line.split() for line in table.splitlines()[1:]] == [
        ['a', '1', '2', '50.0%'], ['b', '0', '0', '0.0%'], ['total', '1', '2', '50.0%']]


@pytest.mark.parametrize('labeled, words', [
    (['p', 'x', 'y'], "2 of 3 listed ids are not in the data, the first is 'x'; .* like 'p'"),
    (['p', 'q', 'q'], "'q' is listed twice or more")])
def test_mistakes_in_a_list(labeled, words):
    with pytest.raises(UserError, match=words):
        listed_split(*DATA, labeled)


def test_lines_of_a_file(tmp_path):
    path = tmp_path / 'ids.txt'
    # As a spreadsheet on Windows writes it.
    path.write_bytes('﻿train/01.jpg\r\n\r\n  train/ü 2.jpg \r\n'.encode())
    assert read_id_list(str(path)) == ['train/01.jpg', 'train/ü 2.jpg']
    path.write_bytes(b'\n')
    with pytest.raises(UserError, match='is empty'):
        read_id_list(str(path))
    with pytest.raises(UserError, match='cannot be read .No such file'):
        read_id_list(str(tmp_path / 'gone.txt'))
