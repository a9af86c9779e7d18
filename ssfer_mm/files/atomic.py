"""Files that appear complete or not at all."""
import contextlib
import errno
import json
import os
import os.path as osp
import re
import tempfile
import threading
from collections.abc import Iterator
from os import PathLike
from typing import Optional, Union

NAME_MAX, ADDED = 255, 8  # bytes of a file's name, and how many of them mkstemp adds
_UMASK = threading.Lock()  # it belongs to the process, and can only be read by setting it


@contextlib.contextmanager
def atomic_write(path: Union[str, PathLike], mode: str = 'w', sync: bool = False) -> Iterator:
    """Open a temporary file beside ``path`` that replaces it only when all is written.

    Args:
        path: File to write. Missing parent folders are made.
        mode: ``'w'`` (UTF-8 text) or ``'wb'``.
        sync: Wait until the disk has it, so that a power cut cannot undo it either.

    Raises:
        OSError: It cannot be written, or is a device, a pipe, or a link to an open file such as
            ``/dev/stdout``: replaced by a file, it would be lost to all programs.
    """
    if is_stream(path):
        raise OSError(errno.EEXIST, 'a device or pipe, no file', os.fspath(path))
    folder = osp.dirname(osp.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=_prefix(osp.basename(path)))
    try:
        with os.fdopen(handle, mode, encoding=None if 'b' in mode else 'utf-8') as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        share(temporary)
        os.replace(temporary, path)
        if sync:
            sync_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _prefix(name: str) -> str:
    """With what the name of a temporary file begins."""
    prefix = f'.{name}'[:NAME_MAX - ADDED]
    # Not cut as bytes: some file systems refuse a part of a character.
    while len(os.fsencode(prefix)) > NAME_MAX - ADDED:
        prefix = prefix[:-1]
    return prefix


def unfinished(name: str) -> Optional[str]:
    """The name that a temporary file of `atomic_write` was to have; None for any other file's name.

    A process that is killed while it writes leaves such a file. Of a name that almost fills the 255
    bytes it is only the beginning.

    Example:
        >>> unfinished('.split.json0a_x9b2c'), unfinished('split.json'), unfinished('.notes')
        ('split.json', None, None)
    """
    temporary = re.fullmatch(r'\.(.+)[a-z0-9_]{8}', name)
    return temporary[1] if temporary else None


def sync_folder(path: Union[str, PathLike]) -> None:
    """Wait until the disk has the names in a folder, where the file system can do that.

    Windows, and some file systems of other machines, cannot.
    """
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_stream(path: Union[str, PathLike]) -> bool:
    """Whether it is a device, a pipe, or a link to an open file: nothing that can be replaced."""
    if osp.islink(path):
        # /dev/stdout leads there, /dev/fd/1 lies there.
        folder = osp.realpath(osp.dirname(osp.abspath(path)))
        if any(place.startswith('/proc/') for place in (os.readlink(path), folder)):
            return True
    return osp.exists(path) and not osp.isfile(path) and not osp.isdir(path)


def share(path: Union[str, PathLike]) -> None:
    """Give a file that ``mkstemp`` made for its owner alone the rights of any other new file."""
    with _UMASK:
        umask = os.umask(0)
        os.umask(umask)
    os.chmod(path, 0o666 & ~umask)


def write_json(path: Union[str, PathLike], data: object, sync: bool = False) -> None:
    """Write JSON, an entry per line, by :func:`atomic_write`."""
    with atomic_write(path, sync=sync) as file:
        file.write(json.dumps(data, indent=1) + '\n')
