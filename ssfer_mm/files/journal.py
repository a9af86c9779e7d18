"""JSON-lines files that a long job writes line by line and that survive its sudden end.

The first line is a header, ``{"format": ..., "version": ..., settings..., "images": null}``. While
the job runs, lines are only ever appended, whole and in the order in which they come. At its end
the file is replaced by one whose lines are in their proper order and whose header says how many
images it is about. So a file with ``"images": null``, or with another number of them than its
header says, is known to be unfinished, wherever the job was killed.
"""
import contextlib
import json
import os
from typing import Callable, Generic, Iterator, List, Optional, Sequence, TypeVar

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.lock import locked_beside

Record = TypeVar('Record')
COUNT = 'images'


def parse_header(line: str) -> Optional[dict]:
    """The header that a line holds, or None if it is some other line.

    Example:
        >>> parse_header('{"image": "a.png", "boxes": []}') is None
        True
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and 'format' in data and 'image' not in data else None


class Journal(Generic[Record]):
    """One such file, open for going on; a context manager.

    Args:
        path: The file. If it exists, what it holds is kept, except damaged lines.
        header: ``format``, ``version`` and all settings on which the lines depend.
        parse: Turns a line into a record, raising ValueError if it is damaged.
        overwrite: Start anew instead, whatever the file holds.

    Attributes:
        records: What the file held, in its order.
        damaged: How many lines were cut off or damaged and are left out.
        finished: Whether the file is the complete result of a job that ended.

    Raises:
        UserError: The file was made with other settings, or is none of this kind; it is in use by
            another job; or its folder cannot be written.
    """

    def __init__(self, path: str, header: dict, parse: Callable[[str], Record],
                 overwrite: bool = False) -> None:
        self.path = os.path.abspath(path)
        # What JSON makes of it is what is compared and written.
        self.header = json.loads(json.dumps(header))
        self.records: List[Record] = []
        self.damaged = 0
        self.finished = False
        self._lines: List[str] = []
        self._parse = parse
        self._overwrite = overwrite
        self._file = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> 'Journal[Record]':
        try:
            with self._disk_errors():
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                self._become_only_writer()
                if not self._overwrite and os.path.exists(self.path):
                    self._recover()
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def append(self, lines: Sequence[str]) -> None:
        """Add whole lines; when this returns, the disk has them."""
        if self._file is None:
            # Also cuts off what is damaged, and marks a finished file as unfinished again.
            self._write(self._lines, None)
            self._file = self._resources.enter_context(open(self.path, 'ab'))
        with self._disk_errors():
            self._file.write(''.join(line + '\n' for line in lines).encode())
            self._file.flush()
            os.fsync(self._file.fileno())

    def finish(self, lines: Sequence[str], images: int) -> None:
        """Replace the file by its final form: these lines, which are about so many images."""
        self._write(lines, images)
        self.finished = True

    def _write(self, lines: Sequence[str], images: Optional[int]) -> None:
        if self._file is not None:
            self._file.close()
        with self._disk_errors(), atomic_write(self.path, sync=True) as file:
            file.write(json.dumps({**self.header, COUNT: images}) + '\n')
            file.writelines(line + '\n' for line in lines)

    @contextlib.contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(f'cannot write {self.path} ({error.strerror}): make room there, or '
                            'choose another --out') from None

    def _become_only_writer(self) -> None:
        try:
            self._resources.enter_context(locked_beside(self.path, wait=False))
        except BlockingIOError:
            raise UserError(f'{self.path} is being written by another process: wait for it, or '
                            'choose another --out') from None

    def _recover(self) -> None:
        with open(self.path, 'rb') as file:
            first, *rest = file.read().split(b'\n')
        if not first and not rest:
            return
        header = parse_header(first.decode('utf-8', 'replace'))
        if header is None:
            raise UserError(f'{self.path} exists and does not begin with the header of a '
                            f'{self.header["format"]} file: choose another --out, or add '
                            '--overwrite to replace it')
        self._compare(header)
        # What follows the last newline is a line that was never finished.
        *whole, tail = rest or [b'']
        self.damaged = int(bool(tail))
        for line in filter(bytes.strip, whole):
            try:
                text = line.decode()
                self.records.append(self._parse(text))
                self._lines.append(text)
            except (ValueError, RecursionError):
                self.damaged += 1
        self.finished = header.get(COUNT) is not None and not self.damaged

    def _compare(self, header: dict) -> None:
        ours, theirs = _flat(self.header), _flat(header)
        theirs.pop(COUNT, None)
        other = [key for key in (*ours, *theirs) if ours.get(key) != theirs.get(key)]
        if other:
            key = other[0]
            raise UserError(f'{self.path} was made with {key} {theirs.get(key)!r}, now it is '
                            f'{ours.get(key)!r}: use the former settings to go on, choose another '
                            '--out, or add --overwrite to begin anew')


def _flat(data: dict, prefix: str = '') -> dict:
    """Nested settings by dotted key, so that a difference can be named."""
    flat = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f'{prefix}{key}.'))
        else:
            flat[f'{prefix}{key}'] = value
    return flat
