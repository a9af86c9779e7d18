"""Faces to train a detector on: small pictures of one face each, and where the face is."""
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssfer_mm.datasets.synthfer import cached_pool
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_lookup import match_records
from ssfer_mm.images.decode import decode_image
from ssfer_mm.images.files import is_image
from ssfer_mm.ranges import check_number
from ssfer_mm.subset_names import CROP_PARTS
from ssfer_mm.synthfer import SynthFERGenerator

# Share of the height of SynthFER's box that is forehead and hair. Detectors trained on photographs
# put the eyes 38 % below the upper edge of a face, SynthFER's box of the whole head 47 %.
SYNTHFER_TOP = 0.14


@dataclass(frozen=True, eq=False)
class FaceCut:
    """One face: ``image`` uint8 (h, w, 3) BGR; ``box`` (x1, y1, x2, y2) of the face in its pixels,
    which may reach over its edge; ``name`` of the file, or of the item."""
    image: np.ndarray
    box: tuple[float, float, float, float]
    name: str


def is_held_out(name: str) -> bool:
    """Whether an image belongs to the fifth of the images that no detector is trained on.

    Args:
        name: File name, without folders, so that it does not depend on where the data lies.

    Example:
        >>> is_held_out('AJ_Cook_0001.jpg'), is_held_out('Abdel_Madi_Shabneh_0001.jpg')
        (False, True)
    """
    digest = hashlib.sha256(name.encode('utf-8', 'surrogateescape')).digest()
    return int.from_bytes(digest, 'big') % 5 == 0


class PhotoFaces(Sequence):
    """Photographed faces with reference boxes; images with exactly one box count.

    The files are read at once and kept as they are; a face is decoded when it is asked for, which
    takes a fifth of a millisecond and spares a gigabyte.

    Args:
        folder: Where the images are.
        box_file: Their JSON-lines box file (:mod:`ssfer_mm.faces.box_file`).
        part: 'train' or 'held_out', see :func:`is_held_out`.
        limit: Take the first so many, in the order of names. None: all.

    Raises:
        UserError: ``limit`` below 1, missing folder or box file, no image of this part with one
            box, or an image that cannot be decoded.
    """

    def __init__(self, folder: str, box_file: str, part: str = 'train',
                 limit: int | None = None) -> None:
        if part not in CROP_PARTS:
            raise UserError(f'there is no part {part!r} of the face crops; '
                            f'use one of: {", ".join(CROP_PARTS)}')
        if limit is not None:
            check_number('PhotoFaces', 'limit', limit, low=1, whole=True)
        if not os.path.isdir(folder):
            raise UserError(f'{folder!r} is not a folder; expected the face crops that '
                            f'{box_file!r} lists. Unpack them there, or set the folder to '
                            'where they are')
        self.folder, self.part = folder, part
        files = sorted(filter(is_image, os.listdir(folder)))
        records = {name: record for name, record in zip(files, match_records(box_file, files))
                   if record is not None and len(record.boxes) == 1
                   and is_held_out(name) == (part == 'held_out')}
        self.names = list(records)[:limit]
        if not self.names:
            raise UserError(f'{folder!r} holds no image of {part!r} for which {box_file!r} has '
                            'exactly one box; use the box file made for these images')
        self.boxes = np.array([records[name].boxes[0] for name in self.names], np.float32)
        self._files = [_read(os.path.join(folder, name)) for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> FaceCut:
        path = os.path.join(self.folder, self.names[index])
        image = decode_image(self._files[index], path)
        return FaceCut(image, tuple(self.boxes[index].tolist()), self.names[index])


class DrawnFaces(Sequence):
    """SynthFER faces, drawn once and cached, with boxes cut to what photo detectors call a face.

    Args:
        count: How many.
        size: Side of the pictures in pixels.
        cache_dir: As in :class:`~ssfer_mm.datasets.synthfer.SynthFER`.
    """

    def __init__(self, count: int, size: int = 96,
                 cache_dir: str | None = 'data/synthfer') -> None:
        self._pool = cached_pool(SynthFERGenerator(0, size, difficulty=.6), 'train', count,
                                 cache_dir)

    def __len__(self) -> int:
        return len(self._pool.images)

    def __getitem__(self, index: int) -> FaceCut:
        x1, y1, x2, y2 = self._pool.boxes[index].tolist()
        return FaceCut(self._pool.images[index][..., ::-1],
                       (x1, y1 + SYNTHFER_TOP * (y2 - y1), x2, y2), f'synthfer/{index}')


def _read(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read()
