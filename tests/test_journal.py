"""Files that survive a sudden end: whole lines are kept, nothing else is believed."""
import json
import os

import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.journal import Journal, parse_header

HEADER = dict(format='test', version=1, settings=dict(size=3, name='ä'))
LINES = ['{"n": 1}', '{"n": 2}', '{"n": "ö"}']


def opened(path, header=HEADER, **options):
    return Journal(str(path), header, json.loads, **options)


@pytest.fixture
def path(tmp_path):
    """A file that was left in the middle of the work."""
    with opened(tmp_path / 'new' / 'j.jsonl') as journal:
        assert journal.records == [] and not journal.finished
        journal.append(LINES[:1])
        journal.append(LINES[1:])
    return tmp_path / 'new' / 'j.jsonl'


def test_what_was_appended_is_there_and_known_to_be_unfinished(path):
    assert parse_header(path.read_text().splitlines()[0])['images'] is None
    with opened(path) as journal:
        assert journal.records == [json.loads(line) for line in LINES]
        assert journal.damaged == 0 and not journal.finished
    assert os.listdir(path.parent) == ['j.jsonl']


def test_the_finished_file_has_its_lines_in_order_and_their_number(path):
    with opened(path) as journal:
        journal.finish(LINES[::-1], 3)
    header, *lines = path.read_text().splitlines()
    assert json.loads(header) == {**HEADER, 'images': 3} and lines == LINES[::-1]
    with opened(path) as journal:
        assert journal.finished and len(journal.records) == 3


def test_going_on_marks_a_finished_file_as_unfinished_again(path):
    with opened(path) as journal:
        journal.finish(LINES, 3)
    with opened(path) as journal:
        journal.append(['{"n": 4}'])
    with opened(path) as journal:
        assert len(journal.records) == 4 and not journal.finished


def test_any_cut_leaves_whole_lines_only(path):
    """Cut at every byte: what is recovered is what was whole, and going on repairs the file."""
    data = path.read_bytes()
    start = data.index(b'\n') + 1
    for size in range(start, len(data)):
        path.write_bytes(data[:size])
        with opened(path) as journal:
            whole = data[start:size].count(b'\n')
            assert journal.records == [json.loads(line) for line in LINES[:whole]]
            assert journal.damaged == (not data[:size].endswith(b'\n'))
            journal.append(LINES[whole:])
        assert path.read_bytes() == data


@pytest.mark.parametrize('damage', [b'\0' * 20, b'{"n"', b'\xff\xfe'])
def test_a_damaged_line_costs_only_itself(path, damage):
    lines = path.read_bytes().split(b'\n')
    path.write_bytes(b'\n'.join(lines[:2] + [damage] + lines[3:]))
    with opened(path) as journal:
        assert [record['n'] for record in journal.records] == [1, 'ö'] and journal.damaged == 1


@pytest.mark.parametrize('change, says', [
    (dict(settings=dict(size=4, name='ä')), 'settings.size 3, now it is 4.*--overwrite'),
    (dict(settings=dict(size=3)), "settings.name 'ä', now it is None"),
    (dict(version=2), 'version 1, now it is 2')])
def test_other_settings_do_not_mix(path, change, says):
    before = path.read_bytes()
    with pytest.raises(UserError, match=says), opened(path, {**HEADER, **change}):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize('content', ['hello\n', '{"image": "a", "boxes": []}\n', '{"format": "te'])
def test_a_file_of_another_kind_is_left_alone(tmp_path, content):
    file = tmp_path / 'j.jsonl'
    file.write_text(content)
    with pytest.raises(UserError, match='does not begin with the header.*--overwrite'):
        with opened(file):
            pass
    assert file.read_text() == content
    with opened(file, overwrite=True) as journal:
        journal.append(LINES)
    assert len(file.read_text().splitlines()) == 4


def test_an_empty_file_is_a_new_one(tmp_path):
    (tmp_path / 'j').write_text('')
    with opened(tmp_path / 'j') as journal:
        assert journal.records == []


def test_two_writers_at_once_are_refused(path):
    with opened(path) as journal:
        with pytest.raises(UserError, match='being written by another process'), opened(path):
            pass
        journal.append(['{"n": 4}'])
    with opened(path) as journal:
        assert len(journal.records) == 4


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot write.*another --out'):
        with opened(tmp_path / 'file' / 'j'):
            pass
