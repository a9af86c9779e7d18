"""Face boxes: missing ones, ones for other images, ones beside the picture."""
from typing import List

import numpy as np

from .findings import ERROR, NOTE, WARNING, Finding, about
from .parts import Part

_AGAIN = 'Find the boxes again on these images: python tools/detect_faces.py CONFIG --out FILE.'


def check_boxes(part: Part) -> List[Finding]:
    """Findings about the boxes of a part; none if it has none.

    Args:
        part: With ``facts``. Sizes are compared only for decoded images.
    """
    if part.boxes is None:
        return []
    used = part.role == 'labeled'
    missing = np.isnan(part.boxes).any(1)
    findings = about(WARNING if used else NOTE, 'no box', part.name, _names(part, missing),
                     '{n} of ' + f'{len(part):,} have no face box ({part.box_source}): FaceMix '
                     'gives them the box of data_preprocessor.facemix.missing',
                     "Of several faces, boxes=dict(file=..., choose='largest') takes one.")
    sizes = np.array([(facts.width, facts.height) for facts in part.facts]).reshape(-1, 2)
    noted = (part.box_sizes if part.box_sizes is not None else np.zeros((len(part), 2), int))
    decoded, known = sizes.all(1), noted.all(1)
    other = decoded & known & (noted != sizes).any(1)
    turned = other & (noted[:, ::-1] == sizes).all(1)
    findings += about(ERROR if used else WARNING, 'box size', part.name,
                      _names(part, other & ~turned),
                      '{n} have boxes that were found in an image of another size: training '
                      'stops there' if used else '{n} have boxes for an image of another size',
                      _AGAIN)
    findings += about(ERROR if used else WARNING, 'box rotation', part.name, _names(part, turned),
                      '{n} have boxes that were found before the picture was turned upright (width '
                      'and height are swapped)', _AGAIN)
    exif = np.array([facts.orientation != 1 for facts in part.facts], dtype=bool)
    findings += about(WARNING, 'box rotation', part.name, _names(part, exif & ~known & ~missing),
                      '{n} have an EXIF orientation, and their boxes do not say of which size the '
                      'image was: they may lie on the picture before it was turned', _AGAIN)
    x1, y1, x2, y2 = np.nan_to_num(part.boxes).T
    beside = (x2 <= 0) | (y2 <= 0) | (x1 >= sizes[:, 0]) | (y1 >= sizes[:, 1])
    return findings + about(WARNING, 'box outside', part.name,
                            _names(part, beside & decoded & ~missing & ~other),
                            '{n} have a box beside the picture', _AGAIN)


def _names(part: Part, chosen: np.ndarray) -> List[str]:
    return [part.ids[row] for row in np.nonzero(chosen)[0]]
