"""Index files: columns of numbers about millions of images, left on disk until asked for.

Layout: ``MAGIC``; the header's length, uint64 little-endian; the header, JSON ``{"facts": {...},
"columns": {name: [dtype, count, offset]}}``; the columns, each aligned to 64 bytes. The facts say
what the index is of, so that one which is out of date is not used.
"""
import hashlib
import json
import os
import os.path as osp
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from mmengine.logging import print_log

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.lock import locked_beside

MAGIC = b'SSFERIX1'
ALIGN = 64
Columns = Mapping[str, np.ndarray]


class IndexFile:
    """An index, opened; what lies in it stays in the file, which the system caches for everyone.

    Single numbers are read where they lie, not through the memory map: looking images up at random
    would otherwise draw the whole map into every worker. Pickled, it is its path.

    Args:
        path: The file.

    Raises:
        ValueError: It is none, or cut off.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = open(path, 'rb')
        size = os.fstat(self._file.fileno()).st_size
        head = self._file.read(len(MAGIC) + 8)
        length = int.from_bytes(head[len(MAGIC):], 'little')
        if not head.startswith(MAGIC) or length > size:
            raise ValueError('no index file')
        header = json.loads(self._file.read(length))
        self.facts = header['facts']
        self._columns = {name: (np.dtype(dtype), int(count), int(offset))
                         for name, (dtype, count, offset) in header['columns'].items()}
        if any(offset + count * dtype.itemsize > size
               for dtype, count, offset in self._columns.values()):
            raise ValueError('cut off')

    def __reduce__(self) -> tuple:
        return IndexFile, (self.path,)

    def __getitem__(self, column: str) -> np.ndarray:
        """A whole column, mapped into memory and read-only."""
        dtype, count, offset = self._columns[column]
        return np.memmap(self._file, dtype, 'r', offset, (count,))

    def rows(self, column: str) -> int:
        """How long a column is."""
        return self._columns[column][1]

    def value(self, column: str, row: int) -> int:
        """One number of a column."""
        dtype, _, offset = self._columns[column]
        data = os.pread(self._file.fileno(), dtype.itemsize, offset + row * dtype.itemsize)
        return int.from_bytes(data, 'little')

    def text(self, column: str, ends: str, row: int) -> bytes:
        """Row of a column of texts: their bytes end to end, and where each ends."""
        begin = self.value(ends, row - 1) if row else 0
        return os.pread(self._file.fileno(), self.value(ends, row) - begin,
                        self._columns[column][2] + begin)


def write_index(path: str, facts: Mapping, columns: Columns) -> None:
    """Write an index file, complete or not at all."""
    # The header's length depends on the offsets that are in it: leave room for long ones.
    room = len(MAGIC) + 8 + len(json.dumps(facts)) + 256 * (len(columns) + 1)
    place, layout = room + -room % ALIGN, {}
    for name, column in columns.items():
        layout[name] = [column.dtype.newbyteorder('<').str, len(column), place]
        place += column.nbytes + -column.nbytes % ALIGN
    header = json.dumps(dict(facts=facts, columns=layout)).encode()
    with atomic_write(path, 'wb') as file:
        file.write(MAGIC + len(header).to_bytes(8, 'little') + header)
        for name, column in columns.items():
            file.write(bytes(layout[name][2] - file.tell()))
            file.write(np.ascontiguousarray(column, column.dtype.newbyteorder('<')).data)


def open_or_build(what: str, candidates: Mapping[str, Mapping], build: Callable[[], Columns],
                  current: Callable[[IndexFile], bool] = lambda index: True) -> IndexFile:
    """The first index that is about just this, or a new one.

    Args:
        what: The store, for the log.
        candidates: Where it may lie, and the facts, as JSON, that one there must be about; a new
            one is written to the last.
        build: Makes the columns; can take minutes.
        current: A further check.

    Raises:
        UserError: The store cannot be read, or a new one cannot be written.
    """
    candidates = {osp.expanduser(path): facts for path, facts in candidates.items()}

    def first_current() -> IndexFile | None:
        found = ((_try(path), json.loads(json.dumps(facts)))
                 for path, facts in candidates.items())
        return next((index for index, wanted in found
                     if index is not None and index.facts == wanted and current(index)), None)

    index = first_current()
    if index is not None:
        return index
    target, facts = list(candidates.items())[-1]
    try:
        os.makedirs(osp.dirname(osp.abspath(target)), exist_ok=True)
        with locked_beside(target):
            index = first_current()  # another process may have been faster
            if index is None:
                print_log(f'Indexing {what} once; the next run finds {target}',
                          logger='current')
                write_index(target, facts, _built(what, build))
                index = IndexFile(target)
    except OSError as error:
        raise UserError(f'the index {target!r} cannot be written ({error.strerror or error}); set '
                        "index='FILE' in the source, or XDG_CACHE_HOME, to a place with room."
                        ) from error
    return index


def times_of_change(files: Iterable[str]) -> list[int]:
    """A fact for an index in the cache: files of the same names and sizes may yet be others.

    Not for an index beside its files, for copies have other times.
    """
    return [os.stat(file).st_mtime_ns for file in files]


def cache_file(*key: str) -> str:
    """A file of our own in the user's cache folder, named by what it is about."""
    folder = os.environ.get('XDG_CACHE_HOME') or osp.expanduser('~/.cache')
    name = hashlib.sha256('\0'.join(key).encode('utf-8', 'surrogateescape')).hexdigest()[:20]
    return osp.join(folder, 'ssfer_mm', f'{name}.index')


def compact(numbers: np.ndarray) -> np.ndarray:
    """Non-negative whole numbers in 32 bits each if they fit, else in 64."""
    largest = int(numbers.max()) if len(numbers) else 0
    return numbers.astype(np.uint32 if largest < 2**32 else np.uint64, copy=False)


def _built(what: str, build: Callable[[], Columns]) -> Columns:
    """The columns; what goes wrong with the images is not said of the index."""
    try:
        return build()
    except OSError as error:
        raise UserError(f'{error.filename or what!r} cannot be read ({error.strerror or error}): '
                        'check that its disk is there and that you may read it; if it is damaged, '
                        'copy it again.') from error


def _try(path: str) -> IndexFile | None:
    try:
        return IndexFile(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a damaged index is made anew
