"""Face boxes on disk: one JSON object a line, one line an image.

    {"image": "train/a.jpg", "width": 48, "height": 48, "boxes": [[3.5, 2, 44, 47]],
     "scores": [0.98], "detector": "name"}

``image`` is the sample's id, boxes are xyxy in raw-image pixels (see :mod:`ssfer_mm.faces.boxes`).
An image without a face has ``"boxes": []``. Also read: boxes of five numbers, the fifth being the
score; ``w`` and ``h`` for ``width`` and ``height``; and lines without scores or a detector.
"""
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ssfer_mm.errors import UserError

PathLike = Union[str, os.PathLike]


@dataclass(frozen=True)
class FaceRecord:
    """The faces found in one image.

    Attributes:
        image: Id of the image.
        boxes: Tuples (x1, y1, x2, y2) in raw-image pixels; they may reach past the image.
        scores: One confidence per box, or empty if the detector gave none.
        width: Width of the raw image in pixels, None if unknown.
        height: Height of the raw image in pixels, None if unknown.
        detector: Name of what found the boxes.
    """
    image: str
    boxes: Tuple[Tuple[float, float, float, float], ...] = ()
    scores: Tuple[float, ...] = ()
    width: Optional[int] = None
    height: Optional[int] = None
    detector: str = ''


@dataclass(frozen=True)
class BoxReport:
    """How many of a dataset's images have a usable face box.

    Attributes:
        total: Images in the dataset.
        one: Images with exactly one face; only these get a box.
        none: Images in the file without any face.
        several: Images with more than one face.
        not_in_file: Images that the file does not mention.
    """
    total: int
    one: int
    none: int
    several: int
    not_in_file: int
    path: str = field(default='', compare=False)

    def __str__(self) -> str:
        share = 100. * self.one / max(self.total, 1)
        source = f' ({self.path})' if self.path else ''
        return (f'face boxes: {self.one} of {self.total} images ({share:.1f} %) have exactly one '
                f'face, {self.none} none, {self.several} several, {self.not_in_file} are not in '
                f'the box file{source}')


def write_boxes(path: PathLike, records: Iterable[FaceRecord]) -> None:
    """Write a box file; the file appears complete or not at all.

    Args:
        path: File to write. Missing parent folders are made.
        records: One record per image, in any order.

    Raises:
        UserError: A record could not be read back (duplicate id, non-finite number, empty box).
    """
    path = os.path.abspath(os.fspath(path))
    partial = f'{path}.{os.getpid()}.partial'
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(partial, 'w', encoding='utf-8') as file:
            file.writelines(_checked_lines(path, records))
        os.replace(partial, path)
    except OSError as error:
        raise UserError(f'cannot write the box file {path} ({error.strerror}): '
                        'choose a place where you may write') from None
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def read_boxes(path: PathLike) -> Dict[str, FaceRecord]:
    """Read and check a box file.

    Args:
        path: A file that :func:`write_boxes` or another tool wrote. Empty lines are skipped, and
            the last line may lack its newline.

    Returns:
        Image id -> record, in file order.

    Raises:
        UserError: The file is missing, or a line is broken, cut off or repeated; the message
            names the line.
    """
    path = os.fspath(path)
    try:
        with open(path, 'rb') as file:
            lines = file.read().split(b'\n')
    except OSError as error:
        raise UserError(f'cannot read the box file {path} ({error.strerror}): give the path of a '
                        'JSON-lines box file, or boxes=None to train without boxes') from None
    records: Dict[str, FaceRecord] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = _parse(line.decode('utf-8-sig' if number == 1 else 'utf-8'))
        except (ValueError, RecursionError) as error:
            raise UserError(f'{path}, line {number}: {_one_line(error)}; expected '
                            '{"image": id, "width": w, "height": h, "boxes": [[x1, y1, x2, y2]]}'
                            ) from None
        if record.image in records:
            raise UserError(f'{path}, line {number}: a second line for {record.image!r}; '
                            'keep one line per image')
        records[record.image] = record
    return records


def load_boxes(path: PathLike, ids: Sequence[str]) -> Tuple[np.ndarray, BoxReport]:
    """The box of every image of a dataset.

    An image matches a line by its exact id, else by its file name where that name is unique on
    both sides.

    Args:
        path: A box file.
        ids: The dataset's image ids.

    Returns:
        float32 (N, 4), xyxy in raw-image pixels, NaN where the image has no face, several, or is
        not in the file; and the counts of each case.

    Raises:
        UserError: The file is broken, or not one image of it is in the dataset.
    """
    records = read_boxes(path)
    by_name = _unique_names(records)
    own_names = _unique_names(ids)
    boxes = np.full((len(ids), 4), np.nan, dtype=np.float32)
    counts: Counter = Counter()
    for row, image in enumerate(ids):
        record = records.get(image)
        if record is None and own_names.get(_name(image)) == image:
            record = records.get(by_name.get(_name(image), ''))
        if record is None:
            counts['not_in_file'] += 1
        elif len(record.boxes) == 1:
            counts['one'] += 1
            boxes[row] = record.boxes[0]
        else:
            counts['several' if record.boxes else 'none'] += 1
    if len(ids) and counts['not_in_file'] == len(ids):
        theirs = repr(next(iter(records))) if records else 'nothing (it is empty)'
        raise UserError(f'{os.fspath(path)} is a box file for other images: it holds {theirs}, the '
                        f'dataset holds {ids[0]!r}; use the box file made for this dataset')
    report = BoxReport(
        total=len(ids),
        one=counts['one'],
        none=counts['none'],
        several=counts['several'],
        not_in_file=counts['not_in_file'],
        path=os.fspath(path))
    return boxes, report


def _parse(line: str) -> FaceRecord:
    """One line to a record; ValueError says what is wrong with it."""
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f'not JSON, or cut off ({error.msg} at column {error.colno})') from None
    if not isinstance(data, dict):
        raise ValueError(f'found a JSON {type(data).__name__} instead of an object')
    image = data.get('image')
    if not isinstance(image, str) or not image:
        raise ValueError('"image" is missing or no text')
    rows = data.get('boxes')
    if not isinstance(rows, list):
        raise ValueError('"boxes" is missing or no list')
    boxes = [_parse_box(row) for row in rows]
    scores = _parse_scores(data.get('scores'), boxes)
    detector = data.get('detector') or ''
    if not isinstance(detector, str):
        raise ValueError('"detector" is no text')
    return FaceRecord(
        image=image,
        boxes=tuple(box[:4] for box in boxes),
        scores=scores,
        width=_parse_size(data, 'width', 'w'),
        height=_parse_size(data, 'height', 'h'),
        detector=detector)


def _parse_box(row: object) -> Tuple[float, ...]:
    if not isinstance(row, list) or len(row) not in (4, 5):
        raise ValueError(f'box {_short(row)} is not [x1, y1, x2, y2] or [x1, y1, x2, y2, score]')
    box = tuple(_number(value) for value in row)
    if not (box[2] > box[0] and box[3] > box[1]):
        raise ValueError(f'box {_short(row)} is empty: x2 must exceed x1, and y2 exceed y1')
    return box


def _parse_scores(scores: object, boxes: List[Tuple[float, ...]]) -> Tuple[float, ...]:
    if scores is None:
        inside = tuple(box[4] for box in boxes if len(box) == 5)
        if len(inside) not in (0, len(boxes)):
            raise ValueError('some boxes have a score and some have none')
        return inside
    if not isinstance(scores, list) or len(scores) != len(boxes) and scores:
        raise ValueError(f'"scores" {_short(scores)} is not a list of {len(boxes)}, one per box')
    return tuple(_number(value) for value in scores)


def _parse_size(data: dict, name: str, short: str) -> Optional[int]:
    value = data.get(name, data.get(short))
    if value is None:
        return None
    number = _number(value)
    if number < 1 or number != int(number):
        raise ValueError(f'"{name}" is {_short(value)}, not a positive whole number')
    return int(number)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f'{_short(value)} is no number')
    # NaN fails this test too. float32 tells neighbouring pixels apart up to here, and more.
    if not abs(value) < 1e6:
        raise ValueError(f'{_short(value)} is not a finite number below a million')
    return float(value)


def _checked_lines(path: str, records: Iterable[FaceRecord]) -> Iterator[str]:
    seen = set()
    for number, record in enumerate(records, 1):
        line = _format(record)
        try:
            # The reader is the judge of what may be written.
            _parse(line)
        except ValueError as error:
            raise UserError(f'cannot write record {number} to {path}: {error}') from None
        if record.image in seen:
            raise UserError(f'cannot write {path}: two records for {record.image!r}; '
                            'give one record per image')
        seen.add(record.image)
        yield line + '\n'


def _format(record: FaceRecord) -> str:
    data = dict(image=record.image)
    if record.width is not None:
        data['width'] = record.width
    if record.height is not None:
        data['height'] = record.height
    data['boxes'] = [[float(value) for value in box] for box in record.boxes]
    if record.scores:
        data['scores'] = [float(score) for score in record.scores]
    if record.detector:
        data['detector'] = record.detector
    return json.dumps(data, ensure_ascii=True)


def _unique_names(ids: Iterable[str]) -> Dict[str, str]:
    """File name -> id, for the names that only one id has."""
    ids = list(ids)
    counts = Counter(map(_name, ids))
    return {_name(image): image for image in ids if counts[_name(image)] == 1}


def _name(image: str) -> str:
    return image.replace('\\', '/').rsplit('/', 1)[-1]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
