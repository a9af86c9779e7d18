"""Face boxes on disk: one JSON object a line, one line an image.

    {"image": "train/a.jpg", "width": 48, "height": 48, "boxes": [[3.5, 2, 44, 47]],
     "scores": [0.98], "detector": "name"}

``image`` is the sample's id, boxes are xyxy in raw-image pixels (see :mod:`ssfer_mm.faces.boxes`).
An image without a face has ``"boxes": []``. Also read: boxes of five numbers, the fifth being the
score; ``w`` and ``h`` for ``width`` and ``height``; and lines without scores or a detector.
"""
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ssfer_mm.errors import UserError

from .box_line import FaceRecord, format_line, parse_line

PathLike = Union[str, os.PathLike]


@dataclass(frozen=True)
class BoxReport:
    """How many of a dataset's images have a usable face box.

    Attributes:
        total: Images in the dataset.
        one: Images with exactly one face; only these get a box.
        none: Images in the file without any face.
        several: Images with more than one face.
        not_in_file: Images that the file does not mention.
        path: The box file.
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
            record = parse_line(line.decode('utf-8-sig' if number == 1 else 'utf-8'))
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
    found = _match(records, ids)
    boxes = np.full((len(ids), 4), np.nan, dtype=np.float32)
    counts: Counter = Counter()
    for row, record in enumerate(found):
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
    kinds = {kind: counts[kind] for kind in ('one', 'none', 'several', 'not_in_file')}
    return boxes, BoxReport(total=len(ids), path=os.fspath(path), **kinds)


def _match(records: Dict[str, FaceRecord], ids: Sequence[str]) -> List[Optional[FaceRecord]]:
    """The record of each id: by the id itself, else by a file name that is unique twice over."""
    found = [records.get(image) for image in ids]
    if None in found:
        theirs, ours = _unique_names(records), _unique_names(ids)
        for row, image in enumerate(ids):
            name = _name(image)
            if found[row] is None and ours.get(name) == image:
                found[row] = records.get(theirs.get(name, ''))
    return found


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


def _unique_names(ids: Iterable[str]) -> Dict[str, str]:
    """File name -> id, for the names that only one id has."""
    ids = list(ids)
    counts = Counter(map(_name, ids))
    return {_name(image): image for image in ids if counts[_name(image)] == 1}


def _name(image: str) -> str:
    return image.replace('\\', '/').rsplit('/', 1)[-1]


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
