"""Fingerprints of files."""
import hashlib
import os
import time
from functools import lru_cache
from os import PathLike
from typing import Union

# Seconds. A file that was written less long ago may be written again unnoticed: the clocks of some
# file systems are as coarse as that.
SETTLED = 2.


def sha256_of(path: Union[str, PathLike]) -> str:
    """SHA-256 of what is in a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_once(path: Union[str, PathLike]) -> str:
    """The same, but read once only by a process, as long as nobody writes the file."""
    status = os.stat(path)
    if time.time() - status.st_mtime < SETTLED:
        return sha256_of(path)
    return _sha256_of_version(os.path.realpath(path), status.st_ino, status.st_size,
                              status.st_mtime_ns, status.st_ctime_ns)


@lru_cache(maxsize=64)
def _sha256_of_version(path: str, *version: int) -> str:
    return sha256_of(path)
