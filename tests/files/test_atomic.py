"""Files that appear complete or not at all."""
import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ssfer_mm.files.atomic import atomic_write, share, unfinished, write_json


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(str(path)) as file:
        file.write('gr\u00fc\u00df')
        part, = os.listdir(path.parent)  # on the same disk, where it can be renamed
        assert part.startswith('.a.txt') and not path.exists()
    assert path.read_bytes() == b'gr\xc3\xbc\xc3\x9f' and os.listdir(path.parent) == ['a.txt']


@pytest.mark.parametrize('name', ['a' * 251 + '.txt', '\u9854' * 83 + '.txt'], ids=['a', 'wide'])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path, name):
    with atomic_write(tmp_path / name):
        part, = os.listdir(tmp_path)
        assert name.startswith(unfinished(part)), 'no character is cut in two'
        assert len(os.fsencode(part)) > 250, 'and no more is left out than must be'
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_what_was_there_stays_where_the_writing_fails(tmp_path, error):
    path = tmp_path / 'a'
    path.write_bytes(b'old')
    with pytest.raises(error), atomic_write(str(path), 'wb') as file:
        file.write(b'new')
        raise error
    assert path.read_bytes() == b'old' and os.listdir(tmp_path) == ['a']


def test_devices_and_pipes_are_left_as_they_are(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    # As /dev/stdout is one, and /dev/fd one level up; on Linux they lead to a plain file where that
    # is what stdout is.
    (tmp_path / 'plain').write_bytes(b'old')
    with open(tmp_path / 'plain') as file:
        os.symlink(f'/proc/self/fd/{file.fileno()}', tmp_path / 'stdout')
        os.symlink('/proc/self/fd', tmp_path / 'fd')
        os.symlink('pipe', tmp_path / 'link')
        before = {name: os.lstat(tmp_path / name) for name in os.listdir(tmp_path)}
        for name in ('pipe', 'stdout', f'fd/{file.fileno()}', 'link'):
            with pytest.raises(OSError, match='no file'), atomic_write(tmp_path / name) as part:
                part.write('new')
        after = {name: os.lstat(tmp_path / name) for name in os.listdir(tmp_path)}
    assert {name: status.st_ino for name, status in after.items()} == {
        name: status.st_ino for name, status in before.items()}


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


def test_threads_leave_the_mask_as_it_was(tmp_path, monkeypatch):
    """To read it one must set it, and two of them could read each other's."""
    before, real = os.umask(0o027), os.umask
    monkeypatch.setattr(os, 'umask', lambda mask: (real(mask), time.sleep(0.01))[0])
    paths = [tmp_path / str(k) for k in range(8)]
    try:
        for path in paths:
            path.touch()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(share, paths))
        assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o640}
    finally:
        assert real(before) == 0o027


@pytest.mark.parametrize('sync', [False, True])
def test_the_disk_has_it_before_the_name_is_given(tmp_path, monkeypatch, sync):
    seen = []
    monkeypatch.setattr(os, 'fsync', lambda handle: seen.append(
        'the folder' if stat.S_ISDIR(os.fstat(handle).st_mode) else
        (os.fstat(handle).st_size, (tmp_path / 'a').exists())))
    with atomic_write(str(tmp_path / 'a'), sync=sync) as file:
        file.write('12345')
    assert seen == ([(5, False), 'the folder'] if sync else [])


def test_a_file_system_that_does_not_sync_folders(tmp_path, monkeypatch):
    def refuses(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, 'Invalid argument')

    monkeypatch.setattr(os, 'fsync', refuses)
    write_json(tmp_path / 'a.json', 1, sync=True)
    assert (tmp_path / 'a.json').read_text() == '1\n'


def test_json_has_an_entry_per_line(tmp_path):
    write_json(tmp_path / 'a.json', dict(b=[1, 2]))
    assert (tmp_path / 'a.json').read_text() == '{\n "b": [\n  1,\n  2\n ]\n}\n'
