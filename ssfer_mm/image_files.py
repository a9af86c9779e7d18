"""Which files are images, by their names."""
import os
import os.path as osp
from typing import List

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
    found, seen = [], set()
    for folder, children, names in os.walk(root, followlinks=True):
        real = osp.realpath(folder)
        if real in seen:
            children.clear()
            continue
        seen.add(real)
        children[:] = sorted(name for name in children if not name.startswith(('.', '__')))
        prefix = osp.relpath(folder, root)
        prefix = '' if prefix == '.' else prefix.replace(os.sep, '/') + '/'
        found.extend(prefix + name for name in names if is_image(name))
    return sorted(found)
