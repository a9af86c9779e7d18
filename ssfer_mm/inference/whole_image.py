"""No detector at all, for images that are face crops already."""
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import cv2
import numpy as np


@dataclass(frozen=True, eq=False)
class OneFace:
    """See :class:`~ssfer_mm.inference.pipeline.FoundFaces`."""
    boxes: np.ndarray
    scores: np.ndarray


class WholeImage:
    """Takes every image for one face that fills it.

    What the classifier gets is not a square about a face, but the image itself, see `resize`.
    """
    margin = 0.  # there is nothing around it, and nothing of it to cut off

    def detect(self, images: Sequence[np.ndarray]) -> List[OneFace]:
        """One box around each of these (H, W, 3) images, with the score 1."""
        return [OneFace(np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32),
                        np.ones(1, np.float32)) for image in images]

    def resize(self, image: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
        """A uint8 (H, W, 3) image at this (height, width), as in the tests of all trainings."""
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)

    def describe(self) -> dict:
        """JSON-able facts."""
        return dict(detector='whole')
