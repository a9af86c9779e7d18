"""A folder of image files."""
import os
import os.path as osp
from array import array

import numpy as np

from ssfer_mm.datasets.files import describe_folder
from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import read_file
from ssfer_mm.images.files import walk_images

from .index_file import IndexFile, cache_file, compact, open_or_build
from .source import FACE_SOURCES, FaceSource

# 1 could miss a file that came while it was made; 2 a folder that could not be listed, and it
# held what systems keep in folders of their own.
VERSION = 3


@FACE_SOURCES.register_module()
class ImageFolder(FaceSource):
    """All images under a folder, at any depth.

    The list of files is kept in an index and made anew when a folder under it changes; what is
    looked at then is each folder's time of change, not each file.

    Args:
        path: The folder.
        index: File of the index; without it, one in the user's cache folder.

    Raises:
        UserError: There is no such folder, no image in it, or a folder that cannot be listed.
    """

    def __init__(self, path: str, index: str | None = None) -> None:
        self.root = osp.expanduser(os.fspath(path))
        if osp.isfile(self.root):
            raise UserError(f'{self.root!r} is a file, expected a folder of images, a .rec, .tar '
                            'or .zip file, or an LMDB: give one of these.')
        if not osp.isdir(self.root):
            raise UserError(f'the image folder {self.root!r} does not exist (looked from '
                            f'{os.getcwd()!r}); set path to a folder of images.')
        self.label = osp.basename(osp.abspath(self.root))
        real = osp.realpath(self.root)
        self._index = open_or_build(
            self.root, {index or cache_file('ImageFolder', real):
                        dict(kind='ImageFolder', version=VERSION, root=real)},
            self._build, self._is_current)

    def __len__(self) -> int:
        return self._index.rows('name_ends')

    def read(self, index: int) -> bytes:
        return read_file(osp.join(self.root, self.name(index)))

    def name(self, index: int) -> str:
        self.check_index(index)
        return os.fsdecode(self._index.text('names', 'name_ends', index))

    def size(self, index: int) -> int | None:
        try:
            return os.stat(osp.join(self.root, self.name(index))).st_size
        except OSError:
            return None  # gone, or out of reach: to read it would say so

    def _build(self) -> dict[str, np.ndarray]:
        names, ends = bytearray(), array('Q')
        folders, folder_ends = bytearray(), array('Q')
        changed = array('q')  # negative before 1970
        for folder, time, images in walk_images(self.root):
            changed.append(time)
            folders += os.fsencode(folder)
            folder_ends.append(len(folders))
            for image in images:
                names += os.fsencode(f'{folder}/{image}' if folder else image)
                ends.append(len(names))
        if not ends:
            raise UserError(f'no images under {self.root!r}: {describe_folder(self.root)}; '
                            'set path to a folder of images.')
        return dict(names=np.frombuffer(names, np.uint8),
                    name_ends=compact(np.frombuffer(ends, np.uint64)),
                    folders=np.frombuffer(folders, np.uint8),
                    folder_ends=compact(np.frombuffer(folder_ends, np.uint64)),
                    changed=np.frombuffer(changed, np.int64))

    def _is_current(self, index: IndexFile) -> bool:
        try:
            return all(
                os.stat(osp.join(self.root, _folder(index, row))).st_mtime_ns
                == changed for row, changed in enumerate(index['changed'].tolist()))
        except OSError:
            return False  # a folder is gone


def _folder(index: IndexFile, row: int) -> str:
    return os.fsdecode(index.text('folders', 'folder_ends', row))
