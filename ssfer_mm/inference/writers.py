"""Results as CSV and JSON files, written line by line and there only when complete."""
import contextlib
import csv
import json
import os.path as osp
from typing import IO, Iterator, Sequence

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write

from .results import ImageResult
from .sources import printable

COLUMNS = ('source', 'frame', 'time', 'status', 'face', 'track', 'x1', 'y1', 'x2', 'y2', 'score',
           'label')


class CsvWriter:
    """One row per face; images without faces have one row, too.

    Args:
        file: Open text file.
        classes: Names of the classes: the last columns, with their probabilities.
    """

    def __init__(self, file: IO[str], classes: Sequence[str]) -> None:
        # Python before 3.13 quotes a \r in a file's name only if lines end with one.
        self._rows = csv.writer(_PlainEnds(file), lineterminator='\r\n')
        self._classes = tuple(classes)
        self._rows.writerow(COLUMNS + self._classes)

    def write(self, result: ImageResult) -> None:
        """Add an image."""
        data = _to_dict(result)
        begin = [data['source'], data.get('frame', ''), data.get('time', ''), data['status']]
        if not data['faces']:
            self._rows.writerow(begin + [''] * (len(COLUMNS) - 4 + len(self._classes)))
        for number, face in enumerate(data['faces']):
            self._rows.writerow(begin + [number, face.get('track', ''), *face['box'],
                                         face['score'], face['label'],
                                         *(face['probabilities'][name] for name in self._classes)])


class _PlainEnds:
    """Takes lines that end with \\r\\n, and writes them with \\n into a file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.removesuffix('\r\n') + '\n')


class JsonWriter:
    """An object with the facts about the run and ``results``, a list with one entry per image.

    Args:
        file: Open text file.
        facts: JSON-able, about model and detector.
    """

    def __init__(self, file: IO[str], facts: dict) -> None:
        self._file, self._separator = file, '\n'
        begin = json.dumps({**facts, 'results': []}, indent=1)
        file.write(begin.rstrip('}\n ').removesuffix(']'))

    def write(self, result: ImageResult) -> None:
        """Add an image."""
        self._file.write(self._separator + json.dumps(_to_dict(result)))
        self._separator = ',\n'

    def close(self) -> None:
        """End the list."""
        self._file.write('\n]}\n')


def _to_dict(result: ImageResult) -> dict:
    """The same names in both kinds of tables, whatever their bytes are."""
    data = result.to_dict()
    return dict(data, source=printable(data['source']), status=printable(data['status']))


@contextlib.contextmanager
def csv_file(path: str, classes: Sequence[str]) -> Iterator[CsvWriter]:
    """Open a CSV file that appears at the end of the block, unless that raises."""
    with _result_file(path, '--csv') as file:
        yield CsvWriter(file, classes)


@contextlib.contextmanager
def json_file(path: str, facts: dict) -> Iterator[JsonWriter]:
    """Open a JSON file that appears at the end of the block, unless that raises."""
    with _result_file(path, '--json') as file:
        writer = JsonWriter(file, facts)
        yield writer
        writer.close()


@contextlib.contextmanager
def _result_file(path: str, option: str) -> Iterator[IO[str]]:
    path = osp.expanduser(path)
    try:
        with atomic_write(path) as file:
            yield file
    except OSError as error:
        raise UserError(f'cannot write {path} ({error.strerror or error}): choose another '
                        f'{option}') from error
