"""No detector at all, for images that are face crops already."""
from dataclasses import dataclass
from typing import List, Sequence

import numpy as np


@dataclass(frozen=True, eq=False)
class OneFace:
    """See :class:`~ssfer_mm.inference.pipeline.FoundFaces`."""
    boxes: np.ndarray
    scores: np.ndarray


class WholeImage:
    """Takes every image for one face that fills it."""
    margin = 0.  # there is nothing around it, and nothing of it to cut off

    def detect(self, images: Sequence[np.ndarray]) -> List[OneFace]:
        """One box around each of these (H, W, 3) images, with the score 1."""
        return [OneFace(np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32),
                        np.ones(1, np.float32)) for image in images]

    def describe(self) -> dict:
        """JSON-able facts."""
        return dict(detector='whole')
