"""What is found in an image."""
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Tuple

import numpy as np

OK, NO_FACE = 'ok', 'no face'
Box = Tuple[float, float, float, float]


@dataclass(frozen=True)
class FaceResult:
    """One face.

    Attributes:
        box: (x1, y1, x2, y2) in pixels of the image; it may reach past it.
        score: The detector's, in [0, 1].
        probabilities: By class, in the model's order; they sum to 1.
        track: In a smoothed video, a number that a person keeps.
    """
    box: Box
    score: float
    probabilities: Dict[str, float]
    track: Optional[int] = None

    @property
    def label(self) -> str:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.get)

    def top(self, count: Optional[int] = 3) -> List[Tuple[str, float]]:
        """The most probable classes (None: all) and their probabilities, best first."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:count]

    def smoothed(self, probabilities: np.ndarray, track: int) -> 'FaceResult':
        """The same face with other probabilities (K,) in the same order."""
        named = dict(zip(self.probabilities, map(float, probabilities)))
        return replace(self, probabilities=named, track=track)

    def to_dict(self) -> dict:
        """JSON-able; boxes in hundredths of a pixel, probabilities in millionths."""
        data = dict(box=[round(edge, 2) for edge in self.box], score=round(self.score, 4),
                    label=self.label,
                    probabilities={name: round(p, 6) for name, p in self.probabilities.items()})
        return data if self.track is None else dict(data, track=self.track)


@dataclass(frozen=True)
class ImageResult:
    """One image, or one frame of a video.

    Attributes:
        source: Its name: the path, or ``'image 3'`` for the fourth one given in memory.
        status: ``'ok'``, ``'no face'``, or ``'unreadable: '`` and why.
        faces: Best detector score first.
        size: (width, height) in pixels, None if unreadable.
        frame: Of a video, counted from 0.
        time: Of that frame, in seconds.
    """
    source: str
    status: str
    faces: Tuple[FaceResult, ...] = ()
    size: Optional[Tuple[int, int]] = None
    frame: Optional[int] = None
    time: Optional[float] = None

    @property
    def readable(self) -> bool:
        """Whether it is an image at all."""
        return self.status in (OK, NO_FACE)

    def to_dict(self) -> dict:
        """JSON-able."""
        data = dict(source=self.source, status=self.status)
        if self.size:
            data.update(width=self.size[0], height=self.size[1])
        if self.frame is not None:
            data.update(frame=self.frame, time=round(self.time, 3))
        return dict(data, faces=[face.to_dict() for face in self.faces])
