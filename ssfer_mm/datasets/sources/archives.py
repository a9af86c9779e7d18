"""What tar and zip have in common: several files, members found through one index."""
import glob
import os
import os.path as osp
import re
from abc import abstractmethod
from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from ssfer_mm.datasets.files import describe_folder, with_bar
from ssfer_mm.errors import UserError

from .file_reader import FileReader
from .index_file import cache_file, compact, open_or_build, times_of_change
from .shard_manifest import refuse_incomplete
from .source import FaceSource

VERSION = 3  # of what an index holds: 3 leaves hidden folders out
RANGE = re.compile(r'\{(\d+)\.\.(\d+)\}')
INDEX_NAME = 'faces.index'


class Archives(FaceSource):
    """Images inside archive files.

    Args:
        path: One archive, a folder of them, a glob pattern, or WebDataset's
            ``'faces-{000000..000099}.tar'``.
        index: File of the index; without it, ``faces.index`` beside the archives if it is there,
            else one in the user's cache folder.

    Raises:
        UserError: No such archives, or none of their members is an image.
    """

    SUFFIX = ''
    #: Columns of numbers that :meth:`members` gives after the name.
    NUMBERS: Sequence[str] = ('offset', 'length')

    def __init__(self, path: str, index: str | None = None) -> None:
        self.path = osp.expanduser(os.fspath(path))
        self.files = find_files(self.path, self.SUFFIX)
        self.label = osp.basename(osp.dirname(osp.abspath(self.files[0]))
                                  if len(self.files) > 1 else self.files[0])
        # Names and sizes, not where they lie: a moved or renamed folder keeps its index.
        facts = dict(kind=type(self).__name__, version=VERSION,
                     files=[[osp.basename(file), osp.getsize(file)] for file in self.files])
        beside = osp.join(osp.dirname(osp.abspath(self.files[0])), INDEX_NAME)
        cached = cache_file(type(self).__name__, osp.realpath(self.path))
        places = {index: facts} if index else {
            beside: facts, cached: dict(facts, changed=times_of_change(self.files))}
        self._index = open_or_build(self.path, places, self._build)
        self._starts = np.array(self._index['starts'])
        self._reader = FileReader()

    @abstractmethod
    def members(self, file: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and :attr:`NUMBERS` of every image in an archive, in the order of their bytes.

        Raises:
            UserError: The archive is damaged, or of a kind that cannot be read at random.
        """

    def __len__(self) -> int:
        return int(self._starts[-1])

    def name(self, index: int) -> str:
        file = osp.basename(self.files[self._file_of(index)])
        member = self._index.text('names', 'name_ends', index)
        return f'{file}/{member.decode("utf-8", "surrogateescape")}'

    def size(self, index: int) -> int:
        self.check_index(index)
        return self._index.value('length', index)

    def file_starts(self) -> np.ndarray:
        return self._starts[:-1]

    def prefetch(self, first: int, last: int) -> None:
        begin = self._index.value('offset', first)
        end = self._index.value('offset', last - 1) + self._index.value('length', last - 1)
        self._reader.prefetch(self.files[self._file_of(first)], begin, end - begin)

    def _file_of(self, index: int) -> int:
        self.check_index(index)
        return int(np.searchsorted(self._starts, index, side='right')) - 1

    def _build(self) -> dict[str, np.ndarray]:
        numbers = {name: array('Q') for name in self.NUMBERS}
        names, ends, starts = bytearray(), array('Q'), [0]
        for file in with_bar(self.files, f'Indexing {self.path}', least=10):
            for name, values in self.members(file):
                for column, value in zip(numbers.values(), values):
                    column.append(value)
                names += name.encode('utf-8', 'surrogateescape')
                ends.append(len(names))
            starts.append(len(ends))
        if not ends:
            raise UserError(f'{self.path!r} holds no images; expected members that end like '
                            '.jpg or .png. Point path at the archives with the faces.')
        columns = {name: compact(np.frombuffer(column, np.uint64))
                   for name, column in numbers.items()}
        return dict(columns, starts=np.array(starts, np.int64),
                    names=np.frombuffer(names, np.uint8),
                    name_ends=compact(np.frombuffer(ends, np.uint64)))


def find_files(path: str, suffix: str) -> list[str]:
    """The archives that a path, folder, glob or brace pattern means, sorted.

    Raises:
        UserError: There are none, one of a brace pattern is missing, or the folder, or one that a
            glob leads to, holds a part of what ``tools/pack_faces.py`` was to write there.
    """
    match = RANGE.search(path)
    if match:
        width, (first, last) = len(match[1]), (int(match[1]), int(match[2]))
        files = [f'{path[:match.start()]}{number:0{width}d}{path[match.end():]}'
                 for number in range(first, last + 1)]
        missing = [file for file in files if not osp.isfile(file)]
        if missing or not files:
            raise UserError(f'{len(missing)} of the {len(files)} files of {path!r} are missing, '
                            f'the first is {(missing or [path])[0]!r}; correct path.')
        return files
    if osp.isfile(path):
        return [path]
    if osp.isdir(path):
        refuse_incomplete(path)
        files = sorted(glob.glob(osp.join(glob.escape(path), f'*{suffix}')))
        found = describe_folder(path)
    else:
        files = sorted(glob.glob(path))
        for folder in sorted({osp.dirname(file) or os.curdir for file in files}):
            refuse_incomplete(folder)
        found = f'{path!r} does not exist (looked from {os.getcwd()!r})'
    if not files:
        raise UserError(f'no {suffix} files: {found}; set path to the archives or their folder.')
    return files
