"""Facts of files that were looked at before, so that only new and changed ones are read."""
import os
import sqlite3
from dataclasses import astuple, fields, replace
from typing import Dict, Iterable, List, Optional, Tuple, Union

import cv2

from ssfer_mm.errors import UserError

from .file_facts import FileFacts

VERSION = 3
_NAMES = [field.name for field in fields(FileFacts)]
Stamp = Tuple[int, int]  # size in bytes; time of the last change in ns


def stamp_of(path: str) -> Optional[Stamp]:
    """Size and time of a file; None if it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


class FactsCache:
    """An SQLite file: path -> size, time, facts. It is written batch by batch.

    Args:
        path: The file; made if it does not exist.

    Raises:
        UserError: It is no such file, or cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        # Another OpenCV may decode a JPEG to other pixels.
        self._table = f'"facts {VERSION}, OpenCV {cv2.__version__}"'
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self._base = sqlite3.connect(self.path)
            columns = ', '.join(_NAMES)
            self._base.execute(f'CREATE TABLE IF NOT EXISTS {self._table} (path TEXT PRIMARY KEY, '
                               f'size, time, {columns})')
            self._base.commit()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def find(self, stamps: Dict[str, Stamp]) -> Dict[str, FileFacts]:
        """The facts of those files that have not changed since.

        Args:
            stamps: Absolute path -> :func:`stamp_of` it.

        Raises:
            UserError: The cache is damaged.
        """
        found, paths = {}, {_key(path): path for path in stamps}
        keys = list(paths)
        for start in range(0, len(keys), 500):
            some = keys[start:start + 500]
            marks = ','.join('?' * len(some))
            try:
                rows = self._base.execute(
                    f'SELECT * FROM {self._table} WHERE path IN ({marks})', some).fetchall()
            except sqlite3.Error as error:
                raise self._unusable(error) from None
            for key, size, time, *values in rows:
                path = paths[key]
                if (size, time) == stamps[path]:
                    found[path] = _facts(values)
        return {path: facts for path, facts in found.items() if facts is not None}

    def add(self, rows: Iterable[Tuple[str, Stamp, FileFacts]]) -> None:
        """Keep the facts of some files; when this returns, the disk has them."""
        marks = ','.join('?' * (3 + len(_NAMES)))
        lines = [(_key(path), *stamp, *_stored(facts)) for path, stamp, facts in rows]
        try:
            with self._base:
                self._base.executemany(f'INSERT OR REPLACE INTO {self._table} VALUES ({marks})',
                                       lines)
        except sqlite3.Error as error:
            raise UserError(f'cannot write the cache {self.path} ({error}): make room there, name '
                            'another one with --cache, or give --no-cache') from None

    def _unusable(self, error: Exception) -> UserError:
        return UserError(f'cannot use the cache {self.path} ({error}): delete it, name another '
                         'one with --cache, or give --no-cache')


def _key(path: str) -> Union[str, bytes]:
    """What SQLite knows a file by: its text is UTF-8, which a file name need not be."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def _stored(facts: FileFacts) -> List[object]:
    # SQLite's numbers have a sign. Errors quote the file's name, which need not be UTF-8.
    facts = replace(facts, perceptual=facts.perceptual - ((facts.perceptual >> 63) << 64),
                    error=facts.error.encode(errors='backslashreplace').decode())
    return list(astuple(facts))


def _facts(values: List[object]) -> Optional[FileFacts]:
    """Facts as they were stored; None if something scribbled on them."""
    given = dict(zip(_NAMES, values))
    for field in fields(FileFacts):
        if field.type is bool and given[field.name] in (0, 1):
            given[field.name] = bool(given[field.name])
        if not isinstance(given[field.name], field.type):
            return None
    given['perceptual'] %= 1 << 64
    facts = FileFacts(**given)
    return facts if len(facts.thumb) in (0, 1024) and len(facts.content) in (0, 16) else None
