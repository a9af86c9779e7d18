"""Which crops to make of which faces, under which names; and the manifest that lists them."""
import json
import math
import os.path as osp
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ssfer_mm.datasets.image_sources import ImageRef
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_line import FaceRecord
from ssfer_mm.faces.choose import check_rule, choose_among, faces_above
from ssfer_mm.faces.square_crop import Square, square_around

OK, NO_FACE, SEVERAL, UNREADABLE, NOT_IN_FILE = (
    'ok', 'no face', 'several faces', 'unreadable', 'not in box file')
# What a later run need not try again.
SETTLED = (OK, NO_FACE, SEVERAL)
# Formats that people's tools read are kept; everything else becomes PNG.
KEPT_SUFFIXES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class CropSettings:
    """On what the crops depend.

    Attributes:
        margin: See :func:`square_around`.
        size: Edge of the crops in pixels.
        choose: ``'all'`` faces of an image, or a rule of :func:`choose_face`.
        min_score: Faces with a lower score are left out.
        min_face: Faces whose box has a shorter edge below this many pixels are left out.
    """
    margin: float = 0.25
    size: int = 224
    choose: str = 'all'
    min_score: float = 0.
    min_face: float = 0.

    def check(self) -> None:
        """Raise a UserError that names the setting that cannot be used."""
        if self.choose != 'all':
            check_rule(self.choose, self.min_score)
        check_rule('only', self.min_score)
        square_around((0, 0, 1, 1), self.margin)
        if not 1 <= self.size <= 16384:
            raise UserError(f'--size {self.size}: give the edge of the crops in pixels, 1 to 16384')
        if not 0 <= self.min_face < math.inf:  # nor NaN, which would leave out every face
            raise UserError(f'--min-face {self.min_face}: give a number of pixels, 0 or more')


@dataclass(frozen=True)
class Crop:
    """One face to be cut out: its box and score, the square, and the file below the out folder."""
    box: Tuple[float, float, float, float]
    score: Optional[float]
    square: Square
    file: str


@dataclass(frozen=True)
class CropJob:
    """All crops of one image.

    Attributes:
        source: The image's id.
        found: How many faces are in it altogether.
        status: ``OK`` if there are crops, else why there are none.
        size: (width, height) of the image that the boxes are about, None if unknown.
        crops: What to cut out.
    """
    source: str
    found: int
    status: str
    size: Optional[Tuple[int, int]] = None
    crops: Tuple[Crop, ...] = field(default=())

    def lines(self, status: Optional[str] = None, reason: str = '') -> List[str]:
        """Its lines of the manifest; with a status, what came of it instead."""
        if status or not self.crops:
            data = dict(source=self.source, status=status or self.status, found=self.found)
            return [json.dumps({**data, **(dict(reason=reason) if reason else {})})]
        return [json.dumps(dict(source=self.source, status=OK, found=self.found, face=k,
                                faces=len(self.crops), box=crop.box, score=crop.score,
                                crop=crop.square, file=crop.file))
                for k, crop in enumerate(self.crops)]


def parse_manifest_line(line: str) -> dict:
    """Read one line of a manifest.

    Raises:
        ValueError: It is none.
    """
    data = json.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get('source'), str):
        raise ValueError('no "source"')
    if not isinstance(data.get('status'), str):
        raise ValueError('no "status"')
    if data.get('status') == OK and not {'face', 'faces', 'file'} <= data.keys():
        raise ValueError('no "face", "faces" or "file"')
    return data


def settled_sources(entries: Sequence[dict], out: str) -> Dict[str, List[dict]]:
    """Source -> its lines, for the images that a former run is done with.

    An image counts only if every one of its faces has its line and its file.
    """
    by_source: Dict[str, Dict[int, dict]] = {}
    for entry in entries:
        by_source.setdefault(entry['source'], {})[entry.get('face', 0)] = entry
    settled = {}
    for source, faces in by_source.items():
        lines = [faces[k] for k in sorted(faces)]
        whole = all(line['status'] in SETTLED for line in lines) and (
            len(lines) == lines[0].get('faces', 1))
        if whole and all(osp.isfile(osp.join(out, line['file']))
                         for line in lines if line['status'] == OK):
            settled[source] = lines
    return settled


def plan_crops(images: Sequence[ImageRef], faces: Dict[str, FaceRecord], settings: CropSettings,
               done: Dict[str, List[dict]]) -> List[CropJob]:
    """What to do with each image that is not done.

    Sub-folders stay as they are. An image with one crop keeps its name, several crops get ``_0``,
    ``_1`` and so on from left to right; where a name is taken, ``-2`` and so on is added.

    Args:
        images: All images, so that a name does not depend on which of them are done.
        faces: Id -> faces, where they are known.
        settings: Which faces, and how to cut them out.
        done: Source -> its lines of the manifest, whose files keep their names.
    """
    settings.check()
    folders = {image.folder for image in images}
    names = {line['file'] for lines in done.values() for line in lines if 'file' in line}
    jobs = []
    for image in images:
        if image.id in done:
            continue
        record = faces.get(image.id)
        if record is None:
            jobs.append(CropJob(image.id, 0, NOT_IN_FILE))
            continue
        chosen, status = _faces(record, settings)
        # One folder's name says nothing; the names of several tell their images apart.
        below = image.id[len(image.folder) + 1:] if image.folder and len(folders) == 1 else image.id
        files = _files(below, len(chosen), names)
        crops = tuple(
            Crop(record.boxes[k], record.scores[k] if record.scores else None,
                 square_around(record.boxes[k], settings.margin), file)
            for k, file in zip(chosen, files))
        size = (record.width, record.height) if record.width and record.height else None
        jobs.append(CropJob(image.id, len(record.boxes), status, size, crops))
    return jobs


def _faces(record: FaceRecord, settings: CropSettings) -> Tuple[List[int], str]:
    """Indices of the faces to cut out, from left to right, and the status of the image."""
    kept = [k for k in faces_above(record, settings.min_score)
            if _shorter_edge(record.boxes[k]) >= settings.min_face]
    if settings.choose == 'all':
        return sorted(kept, key=lambda k: record.boxes[k]), OK if kept else NO_FACE
    chosen = choose_among(record, kept, settings.choose)
    if chosen is None:
        return [], SEVERAL if kept else NO_FACE
    return [chosen], OK


def _shorter_edge(box: Sequence[float]) -> float:
    return min(box[2] - box[0], box[3] - box[1])


def _files(source: str, count: int, names: Set[str]) -> List[str]:
    """Names for the crops of one image, which are then taken."""
    parts = [part for part in source.replace('\\', '/').split('/') if part not in ('', '.', '..')]
    stem, suffix = osp.splitext('/'.join(parts))
    suffix = suffix if suffix.lower() in KEPT_SUFFIXES else '.png'
    files = []
    for k in range(count):
        wanted = stem if count == 1 else f'{stem}_{k}'
        file, number = wanted + suffix, 2
        while file in names:
            file, number = f'{wanted}-{number}{suffix}', number + 1
        names.add(file)
        files.append(file)
    return files
