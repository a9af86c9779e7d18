"""Face boxes on disk: one JSON object a line, one line an image.

    {"image": "train/a.jpg", "width": 48, "height": 48, "boxes": [[3.5, 2, 44, 47]],
     "scores": [0.98], "detector": "name", "file_size": 2031}

``image`` is the sample's id, boxes are xyxy in raw-image pixels (see :mod:`ssfer_mm.faces.boxes`).
An image without a face has ``"boxes": []``. Also read: boxes of five numbers, the fifth being the
score; ``w`` and ``h`` for ``width`` and ``height``; and lines without sizes, scores or a detector.

The first line may be a header instead, which says what found the boxes and how many images the
file is about, so that a file that was cut is known as such (:mod:`ssfer_mm.files.journal`):

    {"format": "ssfer-face-boxes", "version": 1, "detector": {"detector": "name", ...},
     "images": 12271}
"""
import json
import os
from typing import Dict, Iterable, Iterator, List, Optional, Union

from ssfer_mm.errors import UserError, one_line
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.journal import COUNT, parse_header

from .box_line import FaceRecord, format_line, parse_line

PathLike = Union[str, os.PathLike]
FORMAT, VERSION = 'ssfer-face-boxes', 1
FINISH = ('run the tools/detect_faces.py command that made it again, it keeps the good lines and '
          'finds the rest')
CUT = f'if the file was cut off in this line, {FINISH}'
EXPECTED = 'expected {"image": id, "width": w, "height": h, "boxes": [[x1, y1, x2, y2]]}'


def box_header(detector: dict) -> dict:
    """The header of a box file, but for the number of images.

    Args:
        detector: What ``FaceDetector.describe()`` says: name, weights and their hash, thresholds.
    """
    return dict(format=FORMAT, version=VERSION, detector=detector)


def write_boxes(path: PathLike, records: Iterable[FaceRecord],
                detector: Optional[dict] = None) -> None:
    """Write a box file; the file appears complete or not at all.

    Args:
        path: File to write. Missing parent folders are made.
        records: One record per image, in any order.
        detector: What found the boxes, for a header; None writes none.

    Raises:
        UserError: A record could not be read back (duplicate id, non-finite number, empty box).
    """
    path = os.path.abspath(os.fspath(path))
    lines = list(_checked_lines(path, records))
    if detector is not None:
        lines.insert(0, json.dumps({**box_header(detector), COUNT: len(lines)}) + '\n')
    try:
        with atomic_write(path) as file:
            file.writelines(lines)
    except OSError as error:
        raise UserError(f'cannot write the box file {path} ({error.strerror}): '
                        'choose a place where you may write') from None


def read_boxes(path: PathLike) -> Dict[str, FaceRecord]:
    """Read and check a box file.

    Args:
        path: A file that :func:`write_boxes` or another tool wrote. Empty lines are skipped, and
            the last line may lack its newline, if it is whole.

    Returns:
        Image id -> record, in file order. A line that is there twice counts once.

    Raises:
        UserError: The file is missing or unfinished, or a line is broken, cut off or contradicts
            another; the message names the line.
    """
    path = os.fspath(path)
    lines = _read_lines(path)
    header = parse_header(lines[0].decode('utf-8-sig', 'replace'))
    if header is not None:
        _check_header(path, header)
    records: Dict[str, FaceRecord] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or number == 1 and header is not None:
            continue
        try:
            record = parse_line(line.decode('utf-8-sig' if number == 1 else 'utf-8'))
        except (ValueError, RecursionError) as error:
            cut = number == len(lines)
            raise UserError(f'{path}, line {number}: {one_line(error)}; '
                            f'{CUT if cut else EXPECTED}') from None
        if records.get(record.image, record) != record:
            raise UserError(f'{path}, line {number}: a second line for {record.image!r} that says '
                            'something else; keep one line per image')
        records[record.image] = record
    count = None if header is None else header.get(COUNT, len(records))
    if header is not None and count != len(records):
        found = 'is unfinished' if count is None else f'should hold {count} images'
        raise UserError(f'{path} {found}, {len(records)} are there: {FINISH}')
    return records


def read_header(path: PathLike) -> Optional[dict]:
    """The header of a box file, or None if it has none.

    Raises:
        UserError: There is no such file.
    """
    return parse_header(_read_lines(os.fspath(path))[0].decode('utf-8-sig', 'replace'))


def _checked_lines(path: str, records: Iterable[FaceRecord]) -> Iterator[str]:
    seen = set()
    for number, record in enumerate(records, 1):
        line = format_line(record)
        try:
            # The reader is the judge of what may be written.
            parse_line(line)
        except ValueError as error:
            raise UserError(f'cannot write record {number} to {path}: {error}') from None
        if record.image in seen:
            raise UserError(f'cannot write {path}: two records for {record.image!r}; '
                            'give one record per image')
        seen.add(record.image)
        yield line + '\n'


def _read_lines(path: str) -> List[bytes]:
    """The lines of a file; what follows the last newline is one of them."""
    try:
        with open(path, 'rb') as file:
            return file.read().split(b'\n')
    except OSError as error:
        raise UserError(f'cannot read the box file {path} ({error.strerror}): give the path of a '
                        'JSON-lines box file, such as tools/detect_faces.py writes; a config '
                        'without boxes has boxes=None') from None


def _check_header(path: str, header: dict) -> None:
    if header['format'] != FORMAT or header.get('version') != VERSION:
        found = f'{header["format"]!r} version {header.get("version")!r}'
        raise UserError(f'{path} is a {found} file, expected {FORMAT!r} version {VERSION}: give '
                        'a box file of tools/detect_faces.py of this version')
