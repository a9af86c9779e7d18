"""From a box file to one box per image of a dataset."""
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Container, Dict, Iterable, List, Optional, Sequence

import numpy as np

from ssfer_mm.errors import UserError

from .box_file import PathLike, read_boxes
from .box_line import FaceRecord
from .choose import check_rule, choose_face, faces_above


@dataclass(frozen=True)
class BoxReport:
    """How many of a dataset's images have a usable face box.

    Attributes:
        total: Images in the dataset.
        one: Images with exactly one face.
        none: Images in the file without any face.
        several: Images with more than one face.
        not_in_file: Images that the file does not mention.
        by_name: Images whose folders the file does not mention: found by their file names alone.
        rule: Which of several faces gets the box; ``'only'``: none of them.
        path: The box file.
    """
    total: int
    one: int
    none: int
    several: int
    not_in_file: int
    by_name: int = 0
    rule: str = 'only'
    path: str = field(default='', compare=False)

    def __str__(self) -> str:
        share = 100. * self.one / max(self.total, 1)
        source = f' ({self.path})' if self.path else ''
        taken = '' if self.rule == 'only' or not self.several else f' (the {self.rule} one taken)'
        guessed = (f'; {self.by_name} were found by their file names alone, in other folders'
                   if self.by_name else '')
        return (f'face boxes: {self.one} of {self.total} images ({share:.1f} %) have exactly one '
                f'face, {self.none} none, {self.several} several{taken}, {self.not_in_file} are '
                f'not in the box file{source}{guessed}')


@dataclass(frozen=True)
class BoxesOfImages:
    """What a box file says about a dataset's images, in the dataset's order.

    Attributes:
        boxes: float32 (N, 4), xyxy in raw-image pixels, NaN where there is no box.
        sizes: int32 (N, 2), (width, height) of the image that the boxes are about, 0 if unknown.
        report: The counts of each case.
    """
    boxes: np.ndarray
    sizes: np.ndarray
    report: BoxReport


def boxes_of_images(path: PathLike, ids: Sequence[str], choose: str = 'only',
                    min_score: float = 0.) -> BoxesOfImages:
    """The box of every image of a dataset.

    Args:
        path: A box file.
        ids: The dataset's image ids; see :func:`match_records`.
        choose: Which of several faces: a rule of :func:`ssfer_mm.faces.choose.choose_face`.
        min_score: Faces with a lower score are disregarded.

    Raises:
        UserError: The file is broken or unfinished, not one image of it is in the dataset, or it
            lacks what the rule needs.
    """
    check_rule(choose, min_score)
    found = match_records(path, ids)
    boxes = np.full((len(ids), 4), np.nan, dtype=np.float32)
    sizes = np.zeros((len(ids), 2), dtype=np.int32)
    counts: Counter = Counter()
    for row, (image, record) in enumerate(zip(ids, found)):
        if record is None:
            counts['not_in_file'] += 1
            continue
        counts['by_name'] += not (_is_end(image, record.image) or _is_end(record.image, image))
        faces = len(faces_above(record, min_score))
        counts['several' if faces > 1 else 'one' if faces else 'none'] += 1
        box = choose_face(record, choose, min_score)
        if box is not None:
            boxes[row] = box
        if record.width and record.height:
            sizes[row] = record.width, record.height
    kinds = {kind: counts[kind] for kind in ('one', 'none', 'several', 'not_in_file', 'by_name')}
    report = BoxReport(total=len(ids), rule=choose, path=os.fspath(path), **kinds)
    return BoxesOfImages(boxes, sizes, report)


def match_records(path: PathLike, ids: Sequence[str]) -> List[Optional[FaceRecord]]:
    """The line of a box file about each image, None where there is none.

    An image matches a line by its exact id; else if one of the two ids is the end of the other
    (``'happy/1.png'`` and ``'rafdb/happy/1.png'``); else by its file name. The last two only where
    there is no other candidate on either side. A line is about one image: of several that it could
    be about, the one that it has most in common with.

    Raises:
        UserError: The file is broken, or not one image of it is in the dataset.
    """
    records = read_boxes(path)
    found = [records.get(image) for image in ids]
    if None in found:
        candidates = _closest({**_by_name(records, ids), **_by_ending(records, ids)}, set(ids))
        found = [record or records.get(candidates.get(image, ''))
                 for record, image in zip(found, ids)]
    if len(ids) and not any(found):
        theirs = repr(next(iter(records))) if records else 'nothing (it is empty)'
        raise UserError(f'{os.fspath(path)} is a box file for other images: it holds {theirs}, the '
                        f'dataset holds {ids[0]!r}; use the box file made for this dataset')
    return found


def _by_ending(records: Dict[str, FaceRecord], ids: Sequence[str]) -> Dict[str, str]:
    """Our id -> theirs, where one ends with the whole of the other."""
    ours_in_theirs = _ending_in(records, set(ids))
    theirs_in_ours = _ending_in(ids, records)
    # Of several of theirs that one of ours ends with, the longest says most: it comes last.
    shorter = {ours: theirs for theirs, ours in sorted(theirs_in_ours.items(),
                                                       key=lambda pair: len(pair[0]))}
    return {**shorter, **ours_in_theirs}


def _closest(candidates: Dict[str, str], ids: Container[str]) -> Dict[str, str]:
    """Our id -> theirs, for the image of ours that shares the longest ending with a line.

    None for a line whose own image is among ours.
    """
    # One is the end of the other, or they are the only ones of their file name.
    nearest_last = sorted(candidates.items(), key=lambda pair: min(map(len, pair)))
    owners = {theirs: ours for ours, theirs in nearest_last if theirs not in ids}
    return {ours: theirs for theirs, ours in owners.items()}


def _by_name(records: Dict[str, FaceRecord], ids: Sequence[str]) -> Dict[str, str]:
    """Our id -> theirs, where the same file name occurs once on each side."""
    ours, theirs = _unique_names(ids), _unique_names(records)
    return {image: theirs[name] for name, image in ours.items() if name in theirs}


def _ending_in(ids: Iterable[str], wanted: Container[str]) -> Dict[str, str]:
    """Each wanted path that exactly one of the ids ends with -> that id."""
    owners: Dict[str, List[str]] = {}
    for image in ids:
        parts = image.replace('\\', '/').split('/')
        for start in range(len(parts)):
            ending = '/'.join(parts[start:])
            if ending in wanted:
                owners.setdefault(ending, []).append(image)
    return {ending: images[0] for ending, images in owners.items() if len(images) == 1}


def _unique_names(ids: Iterable[str]) -> Dict[str, str]:
    """File name -> id, for the names that only one id has."""
    ids = list(ids)
    counts = Counter(map(_name, ids))
    return {_name(image): image for image in ids if counts[_name(image)] == 1}


def _is_end(ending: str, image: str) -> bool:
    return f'/{image}'.replace('\\', '/').endswith(f'/{ending}'.replace('\\', '/'))


def _name(image: str) -> str:
    return image.replace('\\', '/').rsplit('/', 1)[-1]
