"""One process at a time, by locks that the system drops even when their holder is killed."""
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from os import PathLike
from typing import Optional, Union

try:
    import fcntl
except ImportError:  # Windows has no such locks: two processes are the user's responsibility there
    fcntl = None

# What a file system without locks says, as Lustre may be mounted: two processes are the user's
# responsibility there, too.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)  # two on a Mac


def take_lock(path: Union[str, PathLike], wait: bool = True) -> Optional[int]:
    """Lock a folder, or a file, which is made if it is not there.

    Returns:
        A descriptor. The lock lasts until it is closed, also by the children that inherit it. None
        where there are no locks.

    Raises:
        BlockingIOError: Another process has it, and this one is not to wait.
    """
    if fcntl is None:
        return None
    flags = os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        os.close(handle)
        if error.errno in NO_LOCKS:
            return None
        raise
    return handle


@contextlib.contextmanager
def locked(path: Union[str, PathLike], wait: bool = True) -> Iterator[None]:
    """Hold the lock of :func:`take_lock` inside."""
    handle = take_lock(path, wait)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def locked_beside(path: str, wait: bool = True) -> Iterator[None]:
    """The same with a file beside ``path``, for the process that is to write ``path``."""
    lock = os.path.join(os.path.dirname(path), f'.{os.path.basename(path)}.lock')
    handle = take_lock(lock, wait)
    # Its last holder takes the file away, perhaps after this process has opened it.
    while handle is not None and not _is_at(handle, lock):
        os.close(handle)
        handle = take_lock(lock, wait)
    try:
        yield
    finally:
        # Whoever comes now takes another lock, and finds what was written.
        with contextlib.suppress(OSError):
            os.unlink(lock)
        if handle is not None:
            os.close(handle)


def _is_at(handle: int, path: str) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def held_by_this_process(path: Union[str, PathLike]) -> Iterator[Optional[str]]:
    """Hold a file, without waiting for it, that this process alone has until it ends.

    Its children do not hold it: they may outlive it for a while, as loaders do.

    Yields:
        None; or who has it already, such as ``'process 1234 on a-machine'``.

    Raises:
        OSError: It cannot be written.
    """
    if fcntl is None:
        yield None
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _holder(handle, path)
    finally:
        os.close(handle)


def _holder(handle: int, path: Union[str, PathLike]) -> Optional[str]:
    """Who holds a file already; None if from now on, and by its name, this process does."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # systems differ
        return os.read(handle, 1000).decode(errors='replace').strip() or 'another process'
    except OSError:  # a file system without locks
        return None
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f'process {os.getpid()} on {socket.gethostname()}\n'.encode())
    except OSError as error:  # a full disk, which does not say where it is
        raise OSError(error.errno, error.strerror, str(path)) from error
    return None
