"""Fingerprints of files."""
import hashlib
from os import PathLike
from typing import Union


def sha256_of(path: Union[str, PathLike]) -> str:
    """SHA-256 of what is in a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
