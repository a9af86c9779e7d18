"""Files of weights that cannot be written."""
import contextlib
import errno
import os

import pytest
import torch

from ssfer_mm import UserError
from ssfer_mm.checkpoints import formats


@pytest.fixture()
def small_disk(tmp_path, monkeypatch):
    """Files that take 100,000 bytes and no more."""
    @contextlib.contextmanager
    def file_on_it(path, mode):
        with open(path, mode, buffering=0) as file:
            yield SmallFile(file)

    monkeypatch.setattr(formats, 'atomic_write', file_on_it)
    return tmp_path


class SmallFile:
    def __init__(self, file) -> None:
        self.file, self.left = file, 100_000

    def write(self, content) -> int:
        self.left -= len(content)
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(content)


@pytest.mark.parametrize('suffix', formats.SUFFIXES)
def test_a_full_disk_is_one_line(small_disk, suffix):
    with pytest.raises(UserError, match='cannot be written .No space left on device'):
        formats.write_checkpoint(small_disk / f'weights{suffix}', {'a': torch.zeros(10**6)}, {})
