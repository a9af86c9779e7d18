"""Which of the faces in an image is the one that its label is about."""
import math
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from .box_line import FaceRecord

Box = Tuple[float, float, float, float]


def choose_face(record: FaceRecord, rule: str = 'only', min_score: float = 0.) -> Optional[Box]:
    """The face box that an image is represented by.

    Args:
        record: All faces found in the image.
        rule: ``'only'``: the single face, and none of several (the paper's); ``'largest'``: by the
            area of the box; ``'central'``: the center of the box is nearest to that of the image;
            ``'best'``: the highest score. Equals are decided by score, then by their order.
        min_score: Faces with a lower score are disregarded first.

    Returns:
        (x1, y1, x2, y2) in raw-image pixels; None if no face is left, or several under ``'only'``.

    Raises:
        UserError: No such rule; or the record lacks the scores or the image size it needs.

    Example:
        >>> choose_face(FaceRecord('a', ((0, 0, 2, 2), (0, 0, 9, 9)), (.9, .8)), 'largest')
        (0, 0, 9, 9)
    """
    check_rule(rule, min_score)
    chosen = choose_among(record, faces_above(record, min_score), rule)
    return None if chosen is None else record.boxes[chosen]


def choose_among(record: FaceRecord, kept: Sequence[int], rule: str) -> Optional[int]:
    """The index of the face that :func:`choose_face` would choose if there were only these.

    Args:
        record: All faces found in the image.
        kept: Indices of those that count.
        rule: As for :func:`choose_face`.
    """
    if not kept or rule == 'only' and len(kept) > 1:
        return None
    if rule == 'best' and len(kept) > 1 and not record.scores:
        raise _lacking(record, "'best' compares scores", 'scores')
    rank = RULES[rule]
    scores = record.scores or (0., ) * len(record.boxes)
    return max(kept, key=lambda k: (rank(record, k), scores[k], -k))


def faces_above(record: FaceRecord, min_score: float = 0.) -> List[int]:
    """Indices of the faces whose score is at least ``min_score``, in the record's order.

    Raises:
        UserError: There is a threshold and the record has no scores.
    """
    if min_score > 0 and record.boxes and not record.scores:
        raise _lacking(record, f'min_score={min_score} needs scores', 'scores')
    return [k for k in range(len(record.boxes))
            if min_score <= 0 or record.scores[k] >= min_score]


def check_rule(rule: str, min_score: float = 0.) -> None:
    """Refuse a rule or a threshold that does not exist.

    Raises:
        UserError: The rule or the threshold and what they may be.
    """
    if rule not in RULES:
        raise UserError(f'choose={rule!r} is not a rule for choosing a face: '
                        f'use one of {", ".join(map(repr, RULES))}')
    check_number('choosing a face', 'min_score', min_score, high=1)


def _area(record: FaceRecord, k: int) -> float:
    x1, y1, x2, y2 = record.boxes[k]
    return (x2 - x1) * (y2 - y1)


def _closeness(record: FaceRecord, k: int) -> float:
    if record.width is None or record.height is None:
        raise _lacking(record, "'central' needs the middle of the image", 'width and height')
    x1, y1, x2, y2 = record.boxes[k]
    return -math.hypot((x1 + x2 - record.width) / 2, (y1 + y2 - record.height) / 2)


def _equal(record: FaceRecord, k: int) -> float:
    return 0.


def _lacking(record: FaceRecord, why: str, what: str) -> UserError:
    return UserError(f'choosing a face: {why}, but the box file has no {what} for '
                     f'{record.image!r}: use another rule, or a file of tools/detect_faces.py')


# How good a face is; scores decide between equals, so 'best' needs no rank of its own.
RULES: Dict[str, Callable[[FaceRecord, int], float]] = {
    'only': _equal, 'largest': _area, 'central': _closeness, 'best': _equal}
