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


@FACE_SOURCES.register_module()
class LMDB(FaceSource):
    """Every value of an LMDB, except those whose key says that it is no image.

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
        self._opened: tuple = (None, None)
        facts = dict(kind='LMDB', version=VERSION, size=osp.getsize(file),
                     changed=os.stat(file).st_mtime_ns)
        self._environment()  # says what is missing even where the index is there
        self._index = open_or_build(
            self.path, [index or cache_file('LMDB', osp.realpath(file))], facts, self._build)

    def __getstate__(self) -> dict:
        return {**self.__dict__, '_opened': (None, None)}

    def __len__(self) -> int:
        return len(self._index['key_ends'])

    def name(self, index: int) -> str:
        return self._key(index).decode('utf-8', 'backslashreplace')

    def read(self, index: int) -> bytes:
        lmdb, name = _package(), f'{self.name(index)!r} of {self.path}'
        try:
            with self._environment().begin() as transaction:
                data = transaction.get(self._key(index))
        except lmdb.Error as error:
            raise UnreadableImage(f'cannot read {name} ({error}); copy the database again'
                                  ) from None
        if not data:
            raise UnreadableImage(f'{name} is missing or empty; copy the database again')
        return data

    def _key(self, index: int) -> bytes:
        if not 0 <= index < len(self):
            raise IndexError(f'{self.path} has {len(self)} images, there is no number {index}')
        ends = self._index['key_ends']
        return self._index['keys'][int(ends[index - 1]) if index else 0:int(ends[index])].tobytes()

    def _environment(self):
        """The open database; one that was opened before a fork must not be used after it."""
        process, environment = self._opened
        if process != os.getpid():
            lmdb = _package()
            try:
                environment = lmdb.open(self.path, subdir=osp.isdir(self.path), readonly=True,
                                        lock=False, readahead=False, meminit=False)
            except lmdb.Error as error:
                raise UserError(f'{self.path!r} cannot be opened as an LMDB ({error}); copy it '
                                'again.') from None
            self._opened = os.getpid(), environment
        return environment

    def _build(self) -> dict[str, np.ndarray]:
        keys, ends, first = bytearray(), array('Q'), b''
        with self._environment().begin() as transaction:
            for key in transaction.cursor().iternext(values=False):
                if key in NO_IMAGES or key.startswith(b'__'):
                    continue
                first = first or transaction.get(key)[:1]
                keys += key
                ends.append(len(keys))
        if not ends or first == PICKLE:
            found = 'pickled Python objects' if ends else 'no images'
            raise UserError(f'{self.path!r} holds {found}; expected encoded images (JPEG, PNG) as '
                            'values. Write it again so, or pack the images from their folder with '
                            'tools/pack_faces.py.')
        return dict(keys=np.frombuffer(keys, np.uint8),
                    key_ends=compact(np.frombuffer(ends, np.uint64)))


def _package():
    try:
        import lmdb
    except ImportError:
        raise UserError('reading an LMDB needs the package lmdb: pip install lmdb') from None
    return lmdb
