"""Following people through a video, and smoothing what is said about them."""
import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ssfer_mm.errors import UserError

from .results import Box, FaceResult

MIN_IOU = 0.3
# Seconds that a person may be out of sight; who was in the frame just before has not been.
PATIENCE = 1.0


@dataclass
class _Track:
    box: Box
    probabilities: np.ndarray
    time: float


class SmoothingTracker:
    """Matches faces of consecutive frames by overlap and averages each person's probabilities.

    The average is exponential with a time constant, so that it does not depend on the frame rate:
    after a change the new expression has weight ``1 - exp(-t / seconds)``.

    Args:
        seconds: The time constant.

    Raises:
        UserError: It is not positive.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 < seconds < math.inf:
            raise UserError(f'--smooth {seconds}: give a time constant in seconds, e.g. 0.5')
        self.seconds = seconds
        self._tracks: Dict[int, _Track] = {}
        self._next = 1
        self._before: Optional[float] = None  # time of the last frame

    def __call__(self, faces: Sequence[FaceResult], time: float) -> Tuple[FaceResult, ...]:
        """The faces of the next frame with track numbers and smoothed probabilities.

        Args:
            faces: Of one frame.
            time: Of that frame, in seconds.
        """
        self._tracks = {number: track for number, track in self._tracks.items()
                        if time - track.time <= PATIENCE or track.time == self._before}
        self._before = time
        numbers = self._match(faces)
        smoothed = []
        for index, face in enumerate(faces):
            new = np.array(list(face.probabilities.values()))
            number = numbers.get(index)
            if number is None:
                number, self._next = self._next, self._next + 1
            else:
                old = self._tracks[number]
                kept = math.exp(-max(0., time - old.time) / self.seconds)
                new = kept * old.probabilities + (1 - kept) * new
            self._tracks[number] = _Track(face.box, new, time)
            smoothed.append(face.smoothed(new, number))
        return tuple(smoothed)

    def _match(self, faces: Sequence[FaceResult]) -> Dict[int, int]:
        """Index of a face -> track, the best overlap first, each at most once."""
        pairs: List[Tuple[float, int, int]] = [
            (iou(face.box, track.box), index, number) for index, face in enumerate(faces)
            for number, track in self._tracks.items()]
        matched: Dict[int, int] = {}
        for overlap, index, number in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap >= MIN_IOU and index not in matched and number not in matched.values():
                matched[index] = number
        return matched


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes.

    Example:
        >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
        0.3333333333333333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
