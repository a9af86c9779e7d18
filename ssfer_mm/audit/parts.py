"""The parts of a training's data: which images, which labels, which boxes."""
from dataclasses import dataclass, field
from typing import List, Optional, Tuple, Union

import numpy as np

# Held-out images are what accuracies are measured on.
HELD_OUT = ('validation', 'test')


@dataclass
class Part:
    """One part.

    Attributes:
        name: What reports call it, e.g. ``'test'``.
        role: ``'labeled'``, ``'unlabeled'``, ``'validation'``, ``'test'`` or ``'pre-training'``.
        source: Dataset and subset, in words.
        ids: The images' ids.
        images: Path, or pixels, of each.
        keys: What each image is known by (id in its scope, file): equal keys, same image.
        labels: Class index of each, or None for a part without labels.
        classes: Class names.
        drawn: A program drew the images, which look alike without being copies.
        guarded: Training refuses to start where one of its images is a held-out one.
        skips_unreadable: Training goes on without images that cannot be read.
        boxes: float32 (N, 4) xyxy in raw-image pixels, NaN where there is none; None if the
            pipeline packs no boxes, or every image is its own box.
        box_sizes: int (N, 2), (width, height) that the box file notes, 0 if it does not; None
            without boxes.
        box_source: Where the boxes are from, in words.
        loose: Images beside the data that mean nothing there, and are not read.
    """
    name: str
    role: str
    source: str
    ids: List[str]
    images: List[Union[str, np.ndarray]]
    keys: List[Tuple[str, ...]]
    labels: Optional[np.ndarray] = None
    classes: Tuple[str, ...] = ()
    drawn: bool = False
    guarded: bool = False
    skips_unreadable: bool = False
    boxes: Optional[np.ndarray] = None
    box_sizes: Optional[np.ndarray] = None
    box_source: str = ''
    loose: List[str] = field(default_factory=list)
    facts: list = field(default_factory=list)

    @property
    def held_out(self) -> bool:
        """Whether accuracies are measured on it."""
        return self.role in HELD_OUT

    def __len__(self) -> int:
        return len(self.ids)
