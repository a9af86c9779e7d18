"""From images to faces with expressions: detect, crop, classify."""
from dataclasses import replace
from typing import List, Optional, Protocol, Sequence, Tuple

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.faces.square_crop import cut_square, square_around

from .clock import Clock
from .loading import Loaded
from .results import Box, FaceResult

# Side in pixels of what the detector sees, below which it finds few faces.
SMALLEST_FACE = 24


Found = List[Tuple[Box, float]]


class FoundFaces(Protocol):
    """The faces of one image: boxes (N, 4) xyxy in pixels, and scores (N,)."""
    boxes: np.ndarray
    scores: np.ndarray


class Detector(Protocol):
    """What finds faces."""

    def detect(self, images: Sequence[np.ndarray]) -> List[FoundFaces]:
        """The faces of each of these uint8 (H, W, 3) BGR images."""

    def describe(self) -> dict:
        """JSON-able facts."""


class Classifier(Protocol):
    """What names expressions."""
    classes: Tuple[str, ...]
    input_size: Tuple[int, int]  # (height, width)

    def predict(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """(N, K) probabilities of uint8 (H, W, 3) BGR crops."""


class FacePipeline:
    """Finds the faces of several images, cuts them out, and classifies all of them together.

    A detector may have ``prepare``, ``detect_prepared`` and ``input_size`` (the longer side, in
    pixels, of what its network sees): images are then prepared in other threads. One that takes
    whole images for faces has ``resize(image, (height, width))``, which makes of each what the
    classifier takes, instead of a square.

    Args:
        detector: Finds faces.
        classifier: Names expressions.
        margin: Around a face, see :func:`square_around`.
        clock: Where to count the time.
        flip: Average the probabilities of each face and its mirror image.

    Attributes:
        enough: Longer side in pixels at which a photo may be looked at; 0 if only the whole will
            do. A face that the detector finds then has as many pixels as the classifier takes;
            one that has fewer is cut from the whole photo.
    """

    def __init__(self, detector: Detector, classifier: Classifier, margin: float,
                 clock: Clock, flip: bool = False) -> None:
        square_around((0, 0, 1, 1), margin)  # refuses a margin that cannot be used
        self.detector, self.classifier = detector, classifier
        self.margin, self.clock, self.flip = margin, clock, flip
        sees = getattr(detector, 'input_size', None) if hasattr(detector, 'detect_prepared') else 0
        self._prepares = bool(sees)
        self._size = max(classifier.input_size)
        self.enough = -(-sees * self._size // SMALLEST_FACE) if sees else 0

    def prepare(self, image: Loaded) -> Loaded:
        """What can be done before the networks, in any thread."""
        if not self._prepares or image.pixels is None:
            return image
        return replace(image, prepared=self.detector.prepare(image.pixels))

    def find(self, images: Sequence[Loaded]) -> List[Found]:
        """The faces of each image: (box, score) with boxes in pixels of the whole one.

        Args:
            images: Readable ones, after `prepare`.
        """
        with self.clock.measure('detection'):
            found = (self.detector.detect_prepared([image.prepared for image in images])
                     if self._prepares else
                     self.detector.detect([image.pixels for image in images]))
            return [list(zip(_in_whole(image, faces), map(float, faces.scores)))
                    for image, faces in zip(images, found)]

    def crops(self, image: Loaded, found: Found) -> List[np.ndarray]:
        """What the classifier takes of each face of an image; to be called in any thread."""
        small = [self._is_small(image, box) for box, _ in found]
        whole = image.closer() if any(small) else image
        return [self._cut(whole if few else image, box)
                for few, (box, _) in zip(small, found)]

    def name(self, found: Sequence[Found], crops: Sequence[Sequence[np.ndarray]]
             ) -> List[Tuple[FaceResult, ...]]:
        """The faces of several images, classified together.

        Args:
            found: Of each image, from `find`.
            crops: Of each image, from `crops`.
        """
        with self.clock.measure('classification'):
            rows = self.classify([crop for own in crops for crop in own])
        named = iter([dict(zip(self.classifier.classes, row)) for row in rows.tolist()])
        return [tuple(FaceResult(box, score, next(named)) for box, score in own) for own in found]

    def _is_small(self, image: Loaded, box: Box) -> bool:
        """Whether there are too few pixels of a face; the file, if there is one, may have more."""
        left, _, right, _ = square_around(_looked_at(image, box), self.margin)
        return right - left < self._size

    def _cut(self, image: Loaded, box: Box, size: Optional[int] = None) -> np.ndarray:
        resize = getattr(self.detector, 'resize', None)
        if resize is not None:
            return resize(image.pixels, (size, size) if size else self.classifier.input_size)
        square = square_around(_looked_at(image, box), self.margin)
        return cut_square(image.pixels, square, size or self._size)

    def crop(self, image: Loaded, box: Box, size: Optional[int] = None) -> np.ndarray:
        """The square around a face, or the image that is taken for one.

        Args:
            image: Where it was found.
            box: In pixels of the whole image.
            size: Edge in pixels. None: what the classifier takes, cut as for the classifier.
        """
        return self._cut(image.closer() if self._is_small(image, box) else image, box, size)

    def classify(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (N, K) of uint8 (H, W, 3) BGR crops."""
        classes = self.classifier.classes
        if not crops:
            return np.zeros((0, len(classes)), np.float32)
        rows = np.asarray(self.classifier.predict(crops))
        if self.flip:
            mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
            rows = (rows + np.asarray(self.classifier.predict(mirrored))) / 2
        if rows.shape != (len(crops), len(classes)):
            raise UserError(f'the model gives {rows.shape[-1]} probabilities per face, but names '
                            f'{len(classes)} classes ({", ".join(classes)}); convert or export it '
                            'again with the data set that it was trained on')
        if not np.isfinite(rows).all():
            raise UserError('the model gives probabilities that are not numbers; its weights are '
                            'damaged or its training diverged. Use another checkpoint.')
        return rows


def _in_whole(image: Loaded, faces: FoundFaces) -> List[Box]:
    """Boxes in pixels of the whole image, where a reduced one was looked at."""
    return [tuple(box) for box in (
        np.asarray(faces.boxes, dtype=float).reshape(-1, 4) * (image.scale * 2)).tolist()]


def _looked_at(image: Loaded, box: Box) -> Box:
    """A box in the pixels that there are."""
    fx, fy = image.scale
    return box[0] / fx, box[1] / fy, box[2] / fx, box[3] / fy
