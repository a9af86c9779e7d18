"""Which files are images, by their names."""
import os
import os.path as osp
from typing import Iterable, Iterator, List, Tuple

from ssfer_mm.errors import UserError

# .jfif is how browsers on Windows save a JPEG.
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm',
                  '.jfif')
# Photos of telephones and cameras that OpenCV does not read.
OTHER_PHOTOS = ('.heic', '.heif', '.avif', '.dng', '.cr2', '.nef', '.arw')
# Thumbnails, snapshots and waste baskets of Synology's and QNAP's storage, of disks, of Windows.
NOT_OURS = ('@eadir', '#recycle', '#snapshot', '@recycle', 'lost+found', '$recycle.bin',
            'system volume information')


def is_image(name: str) -> bool:
    """Whether a file name ends like an image and is not a hidden or resource-fork file."""
    return not name.startswith('.') and name.lower().endswith(IMAGE_SUFFIXES)


def is_hidden_folder(name: str) -> bool:
    """Whether a folder is hidden by its name, or a system keeps things of its own there."""
    return name.startswith(('.', '__')) or name.lower() in NOT_OURS


def is_visible_image(path: str) -> bool:
    """Whether a posix-style path, such as that of a member of an archive, is one that
    :func:`scan_images` would give of the same files in a folder.

    Example:
        >>> [is_visible_image(path) for path in ('./a/b.jpg', 'a/@eaDir/b.jpg', 'a/.b.jpg')]
        [True, False, False]
    """
    *folders, name = path.split('/')
    return is_image(name) and not any(
        is_hidden_folder(folder) for folder in folders if folder not in ('.', '..'))


def other_photos(folders: Iterable[str]) -> List[str]:
    """The pictures directly in some folders that data sets leave out, GIFs too, sorted."""
    return sorted(osp.join(folder, name) for folder in folders if osp.isdir(folder)
                  for name in os.listdir(folder)
                  if not name.startswith('.') and name.lower().endswith(OTHER_PHOTOS + ('.gif',)))


def scan_images(root: str) -> List[str]:
    """All images under a folder, at any depth, following links once.

    Returns:
        Posix-style paths relative to ``root``, sorted, so that the order does not depend on the
        file system.

    Raises:
        UserError: A folder there cannot be listed.
    """
    return sorted(f'{folder}/{name}' if folder else name
                  for folder, _, names in walk_images(root) for name in names)


def walk_images(root: str) -> Iterator[Tuple[str, int, List[str]]]:
    """Every folder under a folder, itself included, with the images directly in it.

    Yields:
        The folder's posix-style path relative to ``root``, ``''`` for that itself; its last change
        before it was listed, in ns; and the names of its images, sorted. Folders come sorted, too.
        (Looked up after the list was made, the time might already be that of a file that came
        between the two and is not in the list.)

    Raises:
        UserError: One of them cannot be listed, so that its images would be missing.
    """
    waiting, seen = [''], set()
    while waiting:
        folder = waiting.pop()
        path = osp.join(root, folder)
        real = osp.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        try:
            time = os.stat(path).st_mtime_ns
            _, children, names = next(os.walk(path, onerror=_raise))
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone since its parent was listed
        except OSError as error:
            raise UserError(f'the folder {path!r} cannot be listed ({error.strerror}), its images '
                            'would be missing: check that its disk is there and that you may read '
                            f'it (its owner: chmod -R a+rX FOLDER), or move it out of {root!r}.'
                            ) from error
        yield folder, time, sorted(filter(is_image, names))
        children = sorted(name for name in children if not is_hidden_folder(name))
        waiting += [f'{folder}/{name}' if folder else name for name in reversed(children)]


def _raise(error: OSError) -> None:
    raise error
