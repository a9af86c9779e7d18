"""Fingerprints against hashlib on the whole contents."""
import hashlib

import pytest

from ssfer_mm.files.fingerprint import sha256_of


@pytest.mark.parametrize('size', [0, 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20)])
def test_is_that_of_the_whole_contents(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / 'a').write_bytes(content[:size])
    assert sha256_of(tmp_path / 'a') == hashlib.sha256(content[:size]).hexdigest()
