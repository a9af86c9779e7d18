"""Fingerprints against hashlib on the whole contents."""
import hashlib
import os

import pytest

from ssfer_mm.files import fingerprint
from ssfer_mm.files.fingerprint import sha256_of, sha256_once


@pytest.mark.parametrize('size', [0, 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20)])
def test_is_that_of_the_whole_contents(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / 'a').write_bytes(content[:size])
    assert sha256_of(tmp_path / 'a') == hashlib.sha256(content[:size]).hexdigest()


def test_a_file_that_nobody_writes_is_read_once(tmp_path, monkeypatch):
    path, read = tmp_path / 'a', []
    monkeypatch.setattr(fingerprint, 'sha256_of', lambda path: read.append(path) or len(read))
    path.write_text('1')
    assert [sha256_once(path), sha256_once(path)] == [1, 2], 'it may be written within one tick'
    os.utime(path, (1e9, 1e9))
    assert [sha256_once(path), sha256_once(path)] == [3, 3]
    os.utime(path, (2e9, 2e9))  # somebody whose clock is ahead
    assert [sha256_once(path), sha256_once(path)] == [4, 5]
    path.write_text('2')
    os.utime(path, (1e9 + 1, 1e9 + 1))
    assert sha256_once(path) == 6
