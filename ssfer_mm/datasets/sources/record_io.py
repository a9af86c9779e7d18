"""RecordIO, the format of the face-recognition sets of InsightFace, read without mxnet.

A record is ``magic``, a word (continuation flag in the upper 3 bits, length in the lower 29), the
data, and zeros up to a multiple of 4 bytes. Data that contains the magic number at such a place is
split there, the number left out. The data begins with ``IRHeader``: flag (uint32), label (float32),
id and id2 (uint64); ``flag > 0`` says that so many float32 labels follow. (dmlc-core,
``recordio.h``; mxnet, ``recordio.py``.)

The ``.idx`` beside it has a line ``key<TAB>offset`` per record. In InsightFace's sets record 0
holds no image: its two labels are the first key after the images, which begin at 1, and the last
of the keys that follow them, one per identity. Sets without such a header hold only images.
"""
import mmap
import os
import os.path as osp
import struct

import numpy as np

from ssfer_mm.errors import UnreadableImage, UserError

from .file_reader import FileReader
from .index_file import cache_file, compact, open_or_build, times_of_change
from .source import FACE_SOURCES, FaceSource

VERSION = 1
MAGIC = 0xced7230a
MAGIC_BYTES = struct.pack('<I', MAGIC)
HEAD = struct.Struct('<II')
IR_HEADER = struct.Struct('<IfQQ')
LENGTH_BITS, LENGTH_MASK = 29, (1 << 29) - 1
WHOLE, LAST = 0, 3
CHUNK = 1 << 26  # bytes of the .idx that are parsed at once


@FACE_SOURCES.register_module()
class RecordIO(FaceSource):
    """The images of a ``.rec`` file.

    Args:
        path: The file, or a folder with ``train.rec``. Its ``.idx`` is looked for beside it; if
            there is none, the records are found by going through the file once.
        index: File of our own index; without it, ``<path>.index`` beside it if that is there,
            else one in the user's cache folder.

    Raises:
        UserError: The file is missing, is not RecordIO, or does not fit its ``.idx``.
    """

    def __init__(self, path: str, index: str | None = None) -> None:
        path = osp.expanduser(os.fspath(path))
        self.path = osp.join(path, 'train.rec') if osp.isdir(path) else path
        if not osp.isfile(self.path):
            raise UserError(f'the RecordIO file {self.path!r} does not exist (looked from '
                            f'{os.getcwd()!r}); set path to a .rec file.')
        if osp.getsize(self.path) == 0:
            raise UserError(f'the RecordIO file {self.path!r} is empty: copy it again.')
        self.idx = osp.splitext(self.path)[0] + '.idx'
        self.label = osp.basename(self.path)
        self._reader = FileReader()
        facts = dict(kind='RecordIO', version=VERSION, size=osp.getsize(self.path),
                     idx=osp.getsize(self.idx) if osp.isfile(self.idx) else None)
        changed = times_of_change(filter(osp.isfile, (self.path, self.idx)))
        places = {index: facts} if index else {
            f'{self.path}.index': facts,
            cache_file('RecordIO', osp.realpath(self.path)): dict(facts, changed=changed)}
        self._index = open_or_build(self.path, places, self._build)

    def __len__(self) -> int:
        return self._index.rows('offset')

    def name(self, index: int) -> str:
        self.check_index(index)
        return str(self._index.value('key', index))

    def read(self, index: int) -> bytes:
        name = f'record {self.name(index)} of {self.path}'
        data = self._reader.read(self.path, self._index.value('offset', index),
                                 self._index.value('length', index), name)
        try:
            return split_header(record_data(data))[1]
        except ValueError as error:
            raise UnreadableImage(f'{name} is damaged ({error}); copy the file again') from None

    def size(self, index: int) -> int:
        self.check_index(index)
        return self._index.value('length', index)

    def prefetch(self, first: int, last: int) -> None:
        begin = self._index.value('offset', first)
        end = self._index.value('offset', last - 1) + self._index.value('length', last - 1)
        self._reader.prefetch(self.path, begin, end - begin)

    def _build(self) -> dict[str, np.ndarray]:
        size = osp.getsize(self.path)
        keys, offsets = read_idx(self.idx) if osp.isfile(self.idx) else scan(self.path)
        if not len(keys):
            raise UserError(f'{self.path!r} ({size} bytes) is too short to hold an image: it was '
                            'cut off, or is no RecordIO file; copy it again, with its .idx.')
        order = np.argsort(offsets, kind='stable')
        keys, offsets = keys[order], offsets[order]
        if offsets[0] < 0 or offsets[-1] >= size or not np.diff(offsets).all():
            raise UserError(f'{self.idx!r} ({len(keys)} lines) does not fit {self.path!r} ({size} '
                            'bytes): copy both again, or remove the .idx to do without.')
        lengths = np.diff(offsets, append=size)
        kept = self._images(keys, offsets, lengths)
        return dict(key=compact(keys[kept]), offset=compact(offsets[kept]),
                    length=compact(lengths[kept]))

    def _images(self, keys: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """bool (n,): which records hold images."""
        first = np.flatnonzero(keys == 0)
        if not len(first):
            return np.ones(len(keys), dtype=bool)
        place = first[0]
        labels, image = self._look_at(place, keys, offsets, lengths)
        if len(labels) >= 2 and not image:
            end = self._end_of_images(int(labels[0]), keys, offsets, lengths)
            return (keys >= 1) & (keys < end)
        return keys != 0 if not image else np.ones(len(keys), dtype=bool)

    def _end_of_images(self, noted: int, keys: np.ndarray, offsets: np.ndarray,
                       lengths: np.ndarray) -> int:
        """The first key after the images. Record 0 notes it as a float32, so of 2 ** 24 images
        and more it is rounded: then the records near it are looked at."""
        around = int(np.spacing(np.float32(noted)))
        if around <= 1:
            return noted
        for place in np.flatnonzero(np.abs(keys - noted) <= around):
            if not self._look_at(place, keys, offsets, lengths)[1]:
                return int(keys[place])
        return noted

    def _look_at(self, place: int, keys: np.ndarray, offsets: np.ndarray,
                 lengths: np.ndarray) -> tuple[tuple[float, ...], bytes]:
        """Labels and image of a record that is not in the index yet."""
        name = f'record {keys[place]} of {self.path!r}'
        data = self._reader.read(self.path, int(offsets[place]), int(lengths[place]), name)
        try:
            return split_header(record_data(data))
        except ValueError as error:
            advice = (f'the file is damaged, no RecordIO file, or does not fit {self.idx!r}: copy '
                      'both again, or remove the .idx to do without' if osp.isfile(self.idx) else
                      'the file is damaged, or no RecordIO file: copy it again')
            raise UserError(f'{name} cannot be read ({error}): {advice}.') from None


def record_data(data: bytes) -> bytes:
    """The data of the record that begins here, put together from its parts.

    Raises:
        ValueError: No record begins here, or it is cut off.
    """
    parts, place, flag = [], 0, None
    while flag not in (WHOLE, LAST):
        if place + HEAD.size > len(data):
            raise ValueError('it is cut off')
        magic, word = HEAD.unpack_from(data, place)
        if magic != MAGIC:
            raise ValueError('its magic number is wrong')
        flag, length = word >> LENGTH_BITS, word & LENGTH_MASK
        place += HEAD.size
        if place + length > len(data):
            raise ValueError('it is cut off')
        parts.append(data[place:place + length])
        place += length + -length % 4
    return MAGIC_BYTES.join(parts)


def split_header(data: bytes) -> tuple[tuple[float, ...], bytes]:
    """The labels of a record's ``IRHeader`` and the bytes after it.

    Raises:
        ValueError: The data is shorter than that.
    """
    if len(data) < IR_HEADER.size:
        raise ValueError('it is too short for a header')
    flag, label, _, _ = IR_HEADER.unpack_from(data)
    end = IR_HEADER.size + 4 * flag
    if flag == 0:
        return (label,), data[end:]
    if end > len(data):
        raise ValueError(f'it cannot have {flag} labels')
    return struct.unpack_from(f'<{flag}f', data, IR_HEADER.size), data[end:]


def read_idx(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Keys and offsets of an ``.idx``, int64 (n,) each.

    Raises:
        UserError: It is not two whole numbers per line.
    """
    pieces, rest = [], b''
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            lines, newline, rest = (rest + chunk).rpartition(b'\n')
            pieces.append(_numbers(lines, path))
    numbers = np.concatenate([*pieces, _numbers(rest, path)])
    if len(numbers) % 2 or not len(numbers):
        raise UserError(f'{path!r} holds {len(numbers)} numbers, expected lines "key<TAB>offset"; '
                        'copy it again, or remove it to do without.')
    return numbers[::2], numbers[1::2]


def scan(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and offsets of the records of a ``.rec`` without ``.idx``, int64 (n,) each.

    Raises:
        UserError: Something else than a record lies between.
    """
    offsets, place, size = [], 0, osp.getsize(path)
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while place + HEAD.size <= size:
            magic, word = HEAD.unpack_from(data, place)
            if magic != MAGIC:
                raise UserError(f'{path!r} has no record at byte {place}: it is damaged or no '
                                'RecordIO file; copy it again, with its .idx.')
            if word >> LENGTH_BITS <= 1:  # whole, or the first part of several
                offsets.append(place)
            length = word & LENGTH_MASK
            place += HEAD.size + length + -length % 4
    return np.arange(len(offsets)), np.array(offsets, dtype=np.int64)


def _numbers(text: bytes, path: str) -> np.ndarray:
    if text.translate(None, b'0123456789 \t\r\n'):
        raise UserError(f'{path!r} is not an .idx file: expected lines "key<TAB>offset" of whole '
                        'numbers; copy it again, or remove it to do without.')
    return np.fromstring(text, dtype=np.int64, sep=' ') if text.strip() else np.zeros(0, np.int64)
