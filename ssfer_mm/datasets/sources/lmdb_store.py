"""LMDB, a database in one file, whose values are encoded images."""
import os
import os.path as osp
from array import array

import numpy as np

from ssfer_mm.errors import UnreadableImage, UserError

from .index_file import cache_file, compact, open_or_build
from .source import FACE_SOURCES, FaceSource

VERSION = 1
# What the usual writers note beside the images.
NO_IMAGES = {b'length', b'len', b'keys', b'num-samples', b'classnum'}
PICKLE = b'\x80'
_OPENED: dict = {}  # path -> environment; lmdb allows a process one of each


@FACE_SOURCES.register_module()
class LMDB(FaceSource):
    """Every value of an LMDB, except those whose key says that it is not an image.

    Keys that begin with two underscores, and ``length``, ``keys``, ``num-samples`` and the like,
    are left out.

    Args:
        path: The folder with ``data.mdb``, or the file itself.
        index: File of our own list of keys; without it, one in the user's cache folder.

    Raises:
        UserError: The package ``lmdb`` is missing; there is no such database; or its values are
            pickled Python objects, which would have to be run to be read.
    """

    def __init__(self, path: str, index: str | None = None) -> None:
        self.path = osp.expanduser(os.fspath(path))
        self.label = osp.basename(osp.abspath(self.path))
        file = osp.join(self.path, 'data.mdb') if osp.isdir(self.path) else self.path
        if not osp.isfile(file):
            raise UserError(f'the LMDB {file!r} does not exist (looked from {os.getcwd()!r}); '
                            'set path to the folder with data.mdb, or to the file.')
        facts = dict(kind='LMDB', version=VERSION, size=osp.getsize(file),
                     changed=os.stat(file).st_mtime_ns)
        _open(self.path)  # says what is missing even where the index is there
        self._index = open_or_build(
            self.path, {index or cache_file('LMDB', osp.realpath(file)): facts}, self._build)

    def __len__(self) -> int:
        return self._index.rows('key_ends')

    def name(self, index: int) -> str:
        return self._key(index).decode('utf-8', 'backslashreplace')

    def read(self, index: int) -> bytes:
        lmdb, name = _package(), f'{self.name(index)!r} of {self.path}'
        try:
            with _open(self.path).begin() as transaction:
                data = transaction.get(self._key(index))
        except lmdb.Error as error:
            raise UnreadableImage(f'cannot read {name} ({error}); copy the database again'
                                  ) from None
        if not data:
            raise UnreadableImage(f'{name} is missing or empty; copy the database again')
        return data

    def _key(self, index: int) -> bytes:
        self.check_index(index)
        return self._index.text('keys', 'key_ends', index)

    def _build(self) -> dict[str, np.ndarray]:
        keys, ends, first = bytearray(), array('Q'), b''
        try:
            with _open(self.path).begin() as transaction:
                for key in transaction.cursor().iternext(values=False):
                    if key in NO_IMAGES or key.startswith(b'__'):
                        continue
                    first = first or transaction.get(key)[:1]
                    keys += key
                    ends.append(len(keys))
        except _package().Error as error:
            raise UserError(f'{self.path!r} is damaged ({error}): copy the database again.'
                            ) from None
        if not ends or first == PICKLE:
            found = 'pickled Python objects' if ends else 'no images'
            raise UserError(f'{self.path!r} holds {found}; expected encoded images (JPEG, PNG) as '
                            'values. Write it again so, or pack the images from their folder with '
                            'tools/pack_faces.py.')
        return dict(keys=np.frombuffer(keys, np.uint8),
                    key_ends=compact(np.frombuffer(ends, np.uint64)))


def _open(path: str):
    """The database, opened once per process."""
    lmdb, key = _package(), osp.realpath(path)
    if key not in _OPENED:
        try:
            _OPENED[key] = lmdb.open(path, subdir=osp.isdir(path), readonly=True, lock=False,
                                     readahead=False, meminit=False)
        except lmdb.Error as error:
            raise UserError(f'{path!r} cannot be opened as an LMDB ({error}); copy it again.'
                            ) from None
    return _OPENED[key]


def _close_all() -> None:
    """A database opened before a fork can neither be used nor opened again after it."""
    while _OPENED:
        _OPENED.popitem()[1].close()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_close_all)


def _package():
    try:
        import lmdb
    except ImportError:
        raise UserError('reading an LMDB needs the package lmdb: pip install lmdb') from None
    return lmdb
