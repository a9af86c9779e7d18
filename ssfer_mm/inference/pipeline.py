"""From images to faces with expressions: detect, crop, classify."""
from typing import List, Protocol, Sequence, Tuple

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.faces.square_crop import cut_square, square_around

from .clock import Clock
from .results import FaceResult


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
    """Finds the faces of several images and classifies all of them together.

    Args:
        detector: Finds faces.
        classifier: Names expressions.
        margin: Around a face, see :func:`square_around`.
        clock: Where to count the time.
    """

    def __init__(self, detector: Detector, classifier: Classifier, margin: float,
                 clock: Clock) -> None:
        square_around((0, 0, 1, 1), margin)  # refuses a margin that cannot be used
        self.detector, self.classifier = detector, classifier
        self.margin, self.clock = margin, clock

    def __call__(self, images: Sequence[np.ndarray]) -> List[Tuple[FaceResult, ...]]:
        """The faces of each image, uint8 (H, W, 3) BGR."""
        with self.clock.measure('detection'):
            found = self.detector.detect(images)
        with self.clock.measure('cropping'):
            size = max(self.classifier.input_size)
            crops = [cut_square(image, square_around(box, self.margin), size)
                     for image, faces in zip(images, found)
                     for box in np.asarray(faces.boxes, dtype=float).tolist()]
        with self.clock.measure('classification'):
            rows = self.classify(crops)
        named = iter([dict(zip(self.classifier.classes, row)) for row in rows.tolist()])
        return [tuple(FaceResult(tuple(map(float, box)), float(score), next(named))
                      for box, score in zip(faces.boxes, faces.scores)) for faces in found]

    def classify(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (N, K) of uint8 (H, W, 3) BGR crops."""
        classes = self.classifier.classes
        if not crops:
            return np.zeros((0, len(classes)), np.float32)
        rows = np.asarray(self.classifier.predict(crops))
        if rows.shape != (len(crops), len(classes)):
            raise UserError(f'the model gives {rows.shape[-1]} probabilities per face, but names '
                            f'{len(classes)} classes ({", ".join(classes)}); convert or export it '
                            'again with the data set that it was trained on')
        if not np.isfinite(rows).all():
            raise UserError('the model gives probabilities that are no numbers; its weights are '
                            'damaged or its training diverged. Use another checkpoint.')
        return rows
