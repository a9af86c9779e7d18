"""Compare the faces that a detector found with those that are there."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssfer_mm.faces.boxes import box_area

MIN_IOU = .5  # from which on a face counts as found


@dataclass(frozen=True)
class Matches:
    """Result for one image.

    Attributes:
        iou: float (N,), of each reference face with the detection that found it; 0: not found.
        spare: How many detections found nothing new: no face, or one that was found already.
    """
    iou: np.ndarray
    spare: int


def iou_table(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of ``a`` (M, 4) with every one of ``b`` (N, 4).

    Returns:
        float64 (M, N), 0 where both boxes are empty.
    """
    a, b = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    inner = np.concatenate([np.maximum(a[..., :2], b[..., :2]),
                            np.minimum(a[..., 2:], b[..., 2:])], axis=-1)
    both = box_area(inner)
    either = box_area(a) + box_area(b) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def match_faces(found: np.ndarray, reference: np.ndarray) -> Matches:
    """Give each detection, best first, the reference face that it overlaps most, if still free.

    Args:
        found: (M, 4) boxes, best score first.
        reference: (N, 4) boxes in the same coordinates.

    Example:
        >>> match_faces(np.array([[0, 0, 9, 10], [0, 0, 10, 10]]), np.array([[0, 0, 10, 10]]))
        Matches(iou=array([0.9]), spare=1)
    """
    iou = np.zeros(len(reference))
    spare = 0
    for row in iou_table(np.reshape(found, (-1, 4)), np.reshape(reference, (-1, 4))):
        free = np.where(iou > 0, -1., row)
        best = int(free.argmax()) if len(free) else -1
        if best >= 0 and free[best] >= MIN_IOU:
            iou[best] = free[best]
        else:
            spare += 1
    return Matches(iou, spare)


def summarize(matches: Sequence[Matches]) -> dict[str, float]:
    """Figures over all images, as shares in [0, 1].

    Returns:
        ``faces``; ``found``, the share of faces found; ``iou``, their mean IoU where a face that
        was missed counts 0; ``spare``, detections per image that found nothing new.

    Raises:
        ValueError: There is no face to be found.
    """
    iou = np.concatenate([match.iou for match in matches]) if matches else np.zeros(0)
    if not len(iou):
        raise ValueError('no reference face: give images that show faces')
    return dict(faces=len(iou), found=float((iou > 0).mean()), iou=float(iou.mean()),
                spare=sum(match.spare for match in matches) / len(matches))
