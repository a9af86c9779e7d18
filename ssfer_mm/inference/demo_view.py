"""What the page of ``ssfer demo`` shows of a picture; nothing here knows Gradio."""
import os.path as osp
from dataclasses import dataclass, replace
from pathlib import Path
from typing import List, Optional, Tuple

import cv2
import numpy as np

from ssfer_mm.synthfer import SynthFERGenerator

from .annotate import draw_result
from .inferencer import FERInferencer
from .results import FaceResult, ImageResult

SHOWN = (480, 1280)  # least and most pixels of the annotated picture's longer edge
PORTRAIT = 360  # edge of the chosen face in pixels
# Of the drawn examples: (number of the person, expression).
EXAMPLES = ((0, 'happiness'), (1, 'surprise'), (2, 'anger'), (17, 'sadness'))


@dataclass(frozen=True)
class Seen:
    """A picture that was looked at.

    Attributes:
        status: One line for the visitor.
        picture: uint8 (H, W, 3) RGB with boxes, at a size in `SHOWN`; None if unreadable.
        scale: Its size as a share of the original's.
        faces: From left to right.
        crops: Of each face, what the classifier got.
        portraits: Of each face, (PORTRAIT, PORTRAIT, 3) BGR.
    """
    status: str
    picture: Optional[np.ndarray] = None
    scale: float = 1.
    faces: Tuple[FaceResult, ...] = ()
    crops: Tuple[np.ndarray, ...] = ()
    portraits: Tuple[np.ndarray, ...] = ()

    @property
    def names(self) -> List[str]:
        """What to call the faces."""
        return [f'{number}: {face.label}' for number, face in enumerate(self.faces, 1)]

    def face_at(self, x: float, y: float) -> Optional[int]:
        """The smallest face at a point of `picture`, None where there is none."""
        x, y = x / self.scale, y / self.scale
        hit = [(box[2] - box[0], k) for k, box in enumerate(face.box for face in self.faces)
               if box[0] <= x <= box[2] and box[1] <= y <= box[3]]
        return min(hit)[1] if hit else None


def look(inferencer: FERInferencer, path: str) -> Seen:
    """Find and classify the faces of a picture file."""
    (image, result), = inferencer.stream([path], ahead=False)
    if image.pixels is None:
        # Where this program keeps its copy says nothing to a visitor, perhaps of another machine.
        reason = image.problem.replace(path, osp.basename(path))
        return Seen(f'**This picture cannot be read** ({reason}). Try a JPEG or PNG file.')
    faces = tuple(sorted(result.faces, key=lambda face: face.box[0]))
    whole = image.closer()
    shown = fit(whole.pixels, *SHOWN)
    return Seen(_status(len(faces)), draw_faces(shown, replace(result, faces=faces))[..., ::-1],
                shown.shape[1] / image.size[0], faces,
                tuple(inferencer.crop(image, face) for face in faces),
                tuple(inferencer.crop(whole, face, PORTRAIT) for face in faces))


def _status(count: int) -> str:
    if count == 0:
        return ('**No face found.** Try a picture in which a face is larger, upright and turned '
                'to the camera.')
    return '**1 face**' if count == 1 else f'**{count} faces.** Choose one below, or click on it.'


def fit(image: np.ndarray, least: int, most: int) -> np.ndarray:
    """The image at a size at which it fits a page, and text on it can be read."""
    longest = max(image.shape[:2])
    share = float(np.clip(longest, least, most)) / longest
    if share == 1:
        return image
    size = [max(1, round(edge * share)) for edge in image.shape[1::-1]]
    return cv2.resize(image, size,
                      interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)


def draw_faces(image: np.ndarray, result: ImageResult) -> np.ndarray:
    """Boxes with one expression each, numbered if there are several."""
    if len(result.faces) > 1:
        numbered = tuple(replace(face, track=number)
                         for number, face in enumerate(result.faces, 1))
        result = replace(result, faces=numbered)
    return draw_result(image, result, top=1, zoom=1.5)  # the page shows it at half its size


def draw_evidence(portrait: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """A face in grey, with warm colors where the evidence lies.

    Args:
        portrait: uint8 (H, W, 3) BGR.
        evidence: (h, w) in [0, 1].

    Returns:
        uint8 (H, W, 3) RGB.
    """
    height, width = portrait.shape[:2]
    smooth = cv2.resize(evidence.astype(np.float32), (width, height),
                        interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colors = cv2.applyColorMap((smooth * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    grey = np.repeat(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    weight = 0.7 * smooth[..., None]
    return (grey * 0.9 * (1 - weight) + colors * weight).astype(np.uint8)[..., ::-1]


def draw_examples(folder: Path) -> List[Path]:
    """Drawn people (SynthFER), one picture each and all of them in one."""
    generator = SynthFERGenerator(seed=0, size=256)
    people = [generator.render(generator.portrait('test', person, expression, 1.)).image
              for person, expression in EXAMPLES]
    group = np.vstack([np.hstack(people[:2]), np.hstack(people[2:])])
    paths = []
    for name, picture in zip([name for _, name in EXAMPLES] + ['group'], people + [group]):
        paths.append(folder / f'{name}.png')
        # Not imwrite: on Windows it takes no name with other letters than those of the system.
        paths[-1].write_bytes(cv2.imencode('.png', picture[..., ::-1])[1].tobytes())
    return paths
