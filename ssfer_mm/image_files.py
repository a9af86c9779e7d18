"""Which files are images, by their names."""
import os
import os.path as osp
from typing import Iterator, List, Tuple

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm')


def is_image(name: str) -> bool:
    """Whether a file name ends like an image and is not a hidden or resource-fork file."""
    return not name.startswith('.') and name.lower().endswith(IMAGE_SUFFIXES)


def scan_images(root: str) -> List[str]:
    """All images under a folder, at any depth, following links once.

    Returns:
        Posix-style paths relative to ``root``, sorted, so that the order does not depend on the
        file system.
    """
    return sorted(f'{folder}/{name}' if folder else name
                  for folder, names in walk_images(root) for name in names)


def walk_images(root: str) -> Iterator[Tuple[str, List[str]]]:
    """Every folder under a folder, itself included, with the images directly in it.

    Yields:
        The folder's posix-style path relative to ``root``, ``''`` for that itself; and the names
        of its images, sorted. Folders come sorted, too.
    """
    seen = set()
    for folder, children, names in os.walk(root, followlinks=True):
        real = osp.realpath(folder)
        if real in seen:
            children.clear()
            continue
        seen.add(real)
        children[:] = sorted(name for name in children if not name.startswith(('.', '__')))
        path = osp.relpath(folder, root)
        yield '' if path == '.' else path.replace(os.sep, '/'), sorted(filter(is_image, names))
