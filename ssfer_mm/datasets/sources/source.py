"""What every store of face images can do, whatever its format."""
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from mmengine.registry import Registry

from ssfer_mm.errors import UserError

FACE_SOURCES = Registry('face source')


class FaceSource(ABC):
    """Encoded images by number, and nothing held in memory per image.

    A source opens its files where they are used: it may be pickled, or inherited by a forked
    process, at any time.
    """

    #: The store's own name, with which the names of its images begin.
    label: str = ''

    @abstractmethod
    def __len__(self) -> int:
        """How many images."""

    @abstractmethod
    def read(self, index: int) -> bytes:
        """The encoded image.

        Raises:
            UnreadableImage: It cannot be read, or is known to be damaged; the message names it.
        """

    @abstractmethod
    def name(self, index: int) -> str:
        """A name that finds the image again, posix-style, e.g. ``'faces-000003.tar/0042.jpg'``."""

    def size(self, index: int) -> int | None:
        """How many bytes the image takes in the store; None where that is not known at once."""
        return None

    def check_index(self, index: int) -> None:
        """Let nobody count from the end, or past it.

        Raises:
            IndexError: There is no such image.
        """
        if not 0 <= index < len(self):
            raise IndexError(f'{self.label or "the source"} has {len(self)} images, there is no '
                             f'number {index}')

    def file_starts(self) -> np.ndarray:
        """int64, ascending from 0: the first image of every file, for reading file by file."""
        return np.zeros(1, dtype=np.int64)

    def prefetch(self, first: int, last: int) -> None:
        """Say that the images ``first`` to ``last - 1``, of one file, will be read soon."""
        return  # a hint; not every store can use it


def build_source(cfg: Mapping) -> FaceSource:
    """A source from ``dict(type='TarShards', path=...)``.

    Raises:
        UserError: No such type, one that is no :class:`FaceSource`, or arguments that it does not
            take.
    """
    if not isinstance(cfg, Mapping) or 'type' not in cfg:
        raise UserError(f"the source {cfg!r} has no type; give dict(type='TarShards', path=...), "
                        f'with one of: {", ".join(sorted(FACE_SOURCES.module_dict))}.')
    given = dict(cfg)
    kind = given.pop('type')
    cls = FACE_SOURCES.module_dict.get(kind) if isinstance(kind, str) else kind
    if cls is None:
        raise UserError(f'unknown source type {kind!r}; '
                        f'use one of: {", ".join(sorted(FACE_SOURCES.module_dict))}.')
    if not (isinstance(cls, type) and issubclass(cls, FaceSource)):
        name = getattr(cls, '__name__', cls)
        raise UserError(f'the source type {name} is no FaceSource: a kind of your own is a '
                        'subclass of FaceSource with __len__, read and name; write class '
                        f'{name}(FaceSource).')
    try:
        return cls(**given)
    except TypeError as error:
        raise UserError(f'the source {kind} cannot be made from {given}: {error}.') from error
