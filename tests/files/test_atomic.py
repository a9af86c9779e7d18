"""Files that appear complete or not at all."""
import os
import stat

import pytest

from ssfer_mm.files.atomic import atomic_write, write_json


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(str(path)) as file:
        file.write('gr\u00fc\u00df')
        part, = os.listdir(path.parent)  # on the same disk, where it can be renamed
        assert part.startswith('.a.txt') and not path.exists()
    assert path.read_bytes() == b'gr\xc3\xbc\xc3\x9f' and os.listdir(path.parent) == ['a.txt']


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_what_was_there_stays_where_the_writing_fails(tmp_path, error):
    path = tmp_path / 'a'
    path.write_bytes(b'old')
    with pytest.raises(error), atomic_write(str(path), 'wb') as file:
        file.write(b'new')
        raise error
    assert path.read_bytes() == b'old' and os.listdir(tmp_path) == ['a']


@pytest.mark.parametrize('mask, mode', [(0o022, 0o644), (0o077, 0o600)])
def test_who_may_read_it_is_for_the_user_to_say(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with atomic_write(str(tmp_path / 'a')):
            pass
        assert os.umask(mask) == mask, 'as it was'
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / 'a').stat().st_mode) == mode


@pytest.mark.parametrize('sync', [False, True])
def test_the_disk_has_it_before_the_name_is_given(tmp_path, monkeypatch, sync):
    seen = []
    monkeypatch.setattr(os, 'fsync', lambda handle: seen.append(
        (os.fstat(handle).st_size, (tmp_path / 'a').exists())))
    with atomic_write(str(tmp_path / 'a'), sync=sync) as file:
        file.write('12345')
    assert seen == ([(5, False)] if sync else [])


def test_json_has_an_entry_per_line(tmp_path):
    write_json(tmp_path / 'a.json', dict(b=[1, 2]))
    assert (tmp_path / 'a.json').read_text() == '{\n "b": [\n  1,\n  2\n ]\n}\n'
