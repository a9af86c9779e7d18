"""Reading pieces of large files from many processes at once."""
import os
from collections import OrderedDict

from ssfer_mm.errors import UnreadableImage

OPEN_FILES = 128  # of the 1,024 that a process may usually have
STEP = 512 << 10  # bytes; the kernel cuts longer announcements short


class FileReader:
    """Reads by position, so that processes which inherited one open file do not disturb each other.

    Files are opened at first use; the least recently used ones are closed. Pickling leaves the
    open files behind.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[str, int] = OrderedDict()

    def __getstate__(self) -> dict:
        return {}

    def __setstate__(self, state: dict) -> None:
        self._files = OrderedDict()

    def __del__(self) -> None:
        for handle in self._files.values():
            os.close(handle)

    def read(self, path: str, offset: int, length: int, name: str) -> bytes:
        """Exactly so many bytes.

        Raises:
            UnreadableImage: The file cannot be read, or ends before; ``name`` is in the message.
        """
        try:
            data = os.pread(self._handle(path), length, offset)
            while 0 < len(data) < length:
                more = os.pread(self._handle(path), length - len(data), offset + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise UnreadableImage(f'cannot read {name} ({error.strerror}): check that {path!r} is '
                                  'there and complete') from None
        if len(data) < length:
            raise UnreadableImage(f'cannot read {name}: {path!r} ends before it; copy it again')
        return data

    def prefetch(self, path: str, offset: int, length: int) -> None:
        """Let the system read a stretch of a file in one go, in the background."""
        if not hasattr(os, 'posix_fadvise'):
            return
        try:
            handle = self._handle(path)
            for place in range(offset, offset + length, STEP):
                os.posix_fadvise(handle, place, min(STEP, offset + length - place),
                                 os.POSIX_FADV_WILLNEED)
        except OSError:
            return  # reading it will say what is wrong

    def _handle(self, path: str) -> int:
        handle = self._files.get(path)
        if handle is None:
            if len(self._files) >= OPEN_FILES:
                os.close(self._files.popitem(last=False)[1])
            handle = self._files[path] = os.open(path, os.O_RDONLY | getattr(os, 'O_CLOEXEC', 0))
        else:
            self._files.move_to_end(path)
        return handle
