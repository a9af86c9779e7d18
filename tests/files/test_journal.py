"""Files that survive a sudden end: whole lines are kept, nothing else is believed."""
import errno
import json
import os
import stat

import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.files.journal import Journal, parse_header

HEADER = dict(format='test', version=1, settings=dict(size=(3, 4), name='ä'))
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
        assert journal.finished
    header, *lines = path.read_text().splitlines()
    assert header == json.dumps({**HEADER, 'images': 3}) and lines == LINES[::-1]
    with opened(path) as journal:
        assert journal.finished and len(journal.records) == 3


def test_a_job_about_no_image_at_all_is_finished_too(path):
    with opened(path) as journal:
        journal.finish([], 0)
    with opened(path) as journal:
        assert journal.finished and journal.records == []


def test_a_finished_file_that_was_damaged_since_is_not_finished(path):
    with opened(path) as journal:
        journal.finish(LINES, 3)
    path.write_bytes(path.read_bytes()[:-1])
    with opened(path) as journal:
        assert not journal.finished and journal.damaged == 1


def test_what_is_written_is_on_the_disk_at_once(tmp_path, monkeypatch):
    """Not only in a buffer of this process, or of the system."""
    sizes = []

    def fsync(handle):
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode):  # and not the folder
            sizes.append(status.st_size)

    monkeypatch.setattr(os, 'fsync', fsync)
    path = tmp_path / 'j'
    with opened(path) as journal:
        journal.append(LINES)
        whole = path.stat().st_size
        assert sizes == [whole - sum(len(line.encode()) + 1 for line in LINES), whole]
        journal.finish(LINES, 3)
        assert sizes[2:] == [path.stat().st_size]


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


@pytest.mark.parametrize('damage', [b'\0' * 20, b'{"n"', b'\xff\xfe', b'[' * 100_000])
def test_a_damaged_line_costs_only_itself(path, damage):
    lines = path.read_bytes().split(b'\n')
    path.write_bytes(b'\n'.join(lines[:2] + [damage] + lines[3:]))
    with opened(path) as journal:
        assert [record['n'] for record in journal.records] == [1, 'ö'] and journal.damaged == 1


def test_empty_lines_are_no_damage(path):
    """As an editor, or the merging of two files, leaves them."""
    path.write_bytes(path.read_bytes().replace(b'\n', b'\n\n'))
    with opened(path) as journal:
        assert len(journal.records) == 3 and journal.damaged == 0


def test_a_header_alone_is_enough(path):
    path.write_bytes(path.read_bytes().partition(b'\n')[0])
    with opened(path) as journal:
        assert journal.records == [] and journal.damaged == 0


@pytest.mark.parametrize('change, says', [
    (dict(settings=dict(size=4, name='ä')), r'settings.size \[3, 4\], now it is 4.*--overwrite'),
    (dict(settings=dict(size=(3, 4))), "settings.name 'ä', now it is None"),
    (dict(settings=dict(HEADER['settings'], box=dict(edge=2))), 'with settings.box.edge None'),
    (dict(version=2), 'version 1, now it is 2')])
def test_other_settings_do_not_mix(path, change, says):
    before = path.read_bytes()
    with pytest.raises(UserError, match=says), opened(path, {**HEADER, **change}):
        pass
    assert path.read_bytes() == before and os.listdir(path.parent) == ['j.jsonl']


@pytest.mark.parametrize('content', [
    b'hello\n', b'{"image": "a", "boxes": []}\n', b'{"format": "te', b'\nhello', b'\xff\xd8',
    b'[' * 100_000], ids=['text', 'older', 'cut', 'empty line', 'picture', 'deep'])
def test_a_file_of_another_kind_is_left_alone(tmp_path, content):
    file = tmp_path / 'j.jsonl'
    file.write_bytes(content)
    with pytest.raises(UserError, match='does not begin with the header.*--overwrite'):
        with opened(file):
            pass
    assert file.read_bytes() == content
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


def test_a_file_system_without_locks(path, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(pytest.importorskip('fcntl'), 'flock', refuse)
    with opened(path) as journal:
        journal.finish(LINES, 3)
    assert os.listdir(path.parent) == ['j.jsonl']


def test_a_disk_that_is_full(path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with opened(path) as journal:
        journal.append(LINES)
        monkeypatch.setattr(os, 'fsync', full)
        with pytest.raises(UserError, match='j.jsonl .No space left on device.: make room there'):
            journal.append(LINES)
        with pytest.raises(UserError, match='make room there'):
            journal.finish(LINES, 3)


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot write.*another --out'):
        with opened(tmp_path / 'file' / 'j'):
            pass
