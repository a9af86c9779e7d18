"""The paper's fixed box for every image, as if a detector had found it."""
from typing import List, Sequence

import numpy as np
from mmpretrain.registry import TASK_UTILS

from ssfer_mm.errors import UserError

from .base import FaceDetector, Faces, check_images


@TASK_UTILS.register_module()
class FixedBoxDetector(FaceDetector):
    """One face in every image, always at the same place; for aligned crops.

    Args:
        box: (x1, y1, x2, y2) in an image of ``size`` x ``size`` pixels; scaled to each image.
        size: See ``box``.

    Raises:
        UserError: The box is empty.

    Example:
        >>> FixedBoxDetector().detect([np.zeros((448, 224, 3), np.uint8)])[0].boxes.tolist()
        [[25.0, 50.0, 220.0, 440.0]]
    """
    name = 'fixed'

    def __init__(self, box: Sequence[float] = (25, 25, 220, 220), size: int = 224) -> None:
        if len(box) != 4 or size <= 0 or not (box[0] < box[2] and box[1] < box[3]):
            raise UserError(f'FixedBoxDetector: box must be (x1, y1, x2, y2) with x1 < x2 and '
                            f'y1 < y2, in an image of size > 0; got {tuple(box)} and {size}')
        self.box = np.array(box, dtype=np.float64)
        self.size = size

    def detect(self, images: Sequence[np.ndarray]) -> List[Faces]:
        """The box, scaled to each image; its score is 1."""
        check_images(images)
        extents = [np.array(image.shape[1::-1] * 2) for image in images]
        return [
            Faces((self.box / self.size * extent).astype(np.float32)[None],
                  np.ones(1, dtype=np.float32)) for extent in extents
        ]

    def describe(self) -> dict:
        """See :class:`FaceDetector`; the box is recorded too."""
        return dict(detector=self.name, weights=None, weights_sha256=None, score_threshold=None,
                    nms_iou=None, input_size=self.size, box=self.box.tolist())
