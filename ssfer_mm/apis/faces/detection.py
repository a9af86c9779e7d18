"""Finding the faces of many images: what one process does with one batch."""
import functools
import os
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ssfer_mm.datasets.image_sources import ImageRef
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_line import FaceRecord, format_line
from ssfer_mm.faces.detectors import FaceDetector, Faces, build_detector
from ssfer_mm.images.decode import pixels_of
from ssfer_mm.processes import map_batches

# A photo of 100 megapixels takes 300 MB decoded, and no detector looks at it that closely.
MAX_PIXELS = 16_000_000
# Hundredths of a pixel: boxes are not exact to a tenth of one.
BOX_DIGITS, SCORE_DIGITS = 2, 4

Item = Tuple[str, Union[str, np.ndarray]]  # id; path or pixels


@dataclass(frozen=True)
class Finding:
    """What became of one batch.

    Attributes:
        lines: One line of a box file per image that could be read.
        unreadable: (id, what is wrong) of each other image.
    """
    lines: List[str]
    unreadable: List[Tuple[str, str]]


def find_faces(detector: Union[dict, FaceDetector], images: Sequence[ImageRef],
               batch_size: int = 16, workers: int = 1) -> Iterator[Finding]:
    """Detect faces in images, batch by batch, in the order in which batches are finished.

    Args:
        detector: Config of a detector (as from `detector_settings`); for one worker also the
            detector itself.
        images: Where to look.
        batch_size: Images decoded, detected and handed on together.
        workers: Number of processes.

    Raises:
        UserError: The detector cannot be made, or see :func:`map_batches`.
    """
    for option, value in (('--batch-size', batch_size), ('--workers', workers)):
        if value < 1:
            raise UserError(f'{option} {value}: give 1 or more')
    starts = range(0, len(images), batch_size)
    batches = ([(ref.id, ref.content()) for ref in images[start:start + batch_size]]
               for start in starts)
    make_work = functools.partial(make_find_batch, detector)
    for _, finding in map_batches(make_work, batches, min(workers, len(starts) or 1)):
        yield finding


def make_find_batch(detector: Union[dict, FaceDetector]) -> Callable[[Sequence[Item]], Finding]:
    """A detector of this process's own, as a function of a batch."""
    return functools.partial(find_batch, build_detector(detector))


def find_batch(detector: FaceDetector, batch: Sequence[Item]) -> Finding:
    """Read some images and find their faces; an unreadable one does not stop the others."""
    read, pixels, unreadable = [], [], []
    for image, content in batch:
        try:
            shown, size = pixels_of(content, image, MAX_PIXELS)
            file_size = os.path.getsize(content) if isinstance(content, str) else None
        except (UserError, FileNotFoundError) as error:
            unreadable.append((image, str(error)))
            continue
        read.append((image, size, file_size))
        pixels.append(shown)
    found = detector.detect(pixels) if pixels else []
    lines = [format_line(_record(image, faces, shown.shape, size, file_size))
             for (image, size, file_size), faces, shown in zip(read, found, pixels)]
    return Finding(lines, unreadable)


def _record(image: str, faces: Faces, shape: Tuple[int, ...],
            size: Tuple[int, int], file_size: Optional[int]) -> FaceRecord:
    """Boxes in pixels of the raw image, rounded."""
    height, width = shape[:2]
    scale = np.array([size[0] / width, size[1] / height] * 2)
    boxes = np.round(np.asarray(faces.boxes, dtype=np.float64).reshape(-1, 4) * scale, BOX_DIGITS)
    scores = np.round(np.asarray(faces.scores, dtype=np.float64), SCORE_DIGITS)
    # What rounding leaves without area is no face, and no box file may hold it.
    real = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return FaceRecord(
        image=image,
        boxes=tuple(tuple(map(float, box)) for box in boxes[real]),
        scores=tuple(map(float, scores[real])),
        width=size[0],
        height=size[1],
        file_size=file_size)
