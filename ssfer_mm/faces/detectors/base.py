"""What every face detector looks like from outside: raw images in, boxes and scores out."""
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import List, Sequence, Union

import numpy as np
import torch

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number


@dataclass(frozen=True, eq=False)
class Faces:
    """What a detector found in one image; N faces.

    Attributes:
        boxes: float32 (N, 4), xyxy in pixels of the raw image (see :mod:`ssfer_mm.faces.boxes`),
            best score first. They may reach over the image's edge.
        scores: float32 (N,), in [0, 1].
    """
    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


class FaceDetector(ABC):
    """A batch of images in; for each of them, faces out.

    Subclasses are registered in mmpretrain's ``TASK_UTILS``; a new detector is one new file.

    Attributes:
        name: Short, for box files: ``'embedded'``, ``'mmdet:rtmdet_tiny'``, ``'fixed'``.

    One with weights also has ``file``, ``sha256``, ``score_threshold``, ``nms_iou`` and
    ``input_size``; one without writes its own :meth:`describe`.
    """
    name: str

    @abstractmethod
    def detect(self, images: Sequence[np.ndarray]) -> List[Faces]:
        """Find the faces of each image.

        Args:
            images: uint8 (H, W, 3) BGR arrays of any sizes.

        Returns:
            One :class:`Faces` per image, in order, the same whatever the other images are.

        Raises:
            UserError: An image is no such array.
        """

    def describe(self) -> dict:
        """What a box file records; None where there is no such thing, or where the images are
        prepared as the detector's own config says (``input_size``)."""
        return dict(detector=self.name, weights=self.file.name, weights_sha256=self.sha256,
                    score_threshold=self.score_threshold, nms_iou=self.nms_iou,
                    input_size=self.input_size)

    def to(self, device: Union[str, torch.device]) -> 'FaceDetector':
        """Move to a device whatever can be moved there."""
        return self


def check_images(images: Sequence[np.ndarray]) -> None:
    """Make sure that all of these are images.

    Raises:
        UserError: Naming the first one that is not uint8 (H, W, 3) with at least one pixel.
    """
    for number, image in enumerate(images):
        if not isinstance(image, np.ndarray):
            found = type(image).__name__
        elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            found = f'{image.dtype} {image.shape}'
        else:
            continue
        raise UserError(f'image {number} of the batch is {found}; a face detector expects a '
                        'uint8 array (H, W, 3) in BGR: read it with cv2.imread or LoadFace')


def best_first(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> Faces:
    """Faces of at least this score, without boxes that are empty or not finite.

    Args:
        boxes: (N, 4), xyxy.
        scores: (N,).
        threshold: In [0, 1].

    Example:
        >>> best_first(np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 5, 9]]),
        ...            np.array([.6, .9, 1.]), .5).boxes.tolist()
        [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 2.0, 2.0]]
    """
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float32).reshape(-1)
    kept = np.isfinite(boxes).all(axis=1) & (scores >= np.float32(threshold))
    kept &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    order = np.flatnonzero(kept)
    order = order[np.argsort(-scores[order], kind='stable')]
    return Faces(boxes[order], scores[order].clip(0, 1))


def check_detector(owner: str, score_threshold: float, nms_iou: float = 0.5, batch_size: int = 1,
                   input_size: int = 32) -> None:
    """Raise a ``UserError`` that names the first setting out of range."""
    check_number(owner, 'score_threshold', score_threshold, high=1)
    check_number(owner, 'nms_iou', nms_iou, high=1)
    check_number(owner, 'batch_size', batch_size, low=1, whole=True)
    check_number(owner, 'input_size', input_size, low=32, whole=True)
