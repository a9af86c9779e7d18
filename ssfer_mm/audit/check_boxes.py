"""Face boxes: missing ones, ones for other images, ones beside the picture."""
from typing import List

import numpy as np

from .findings import ERROR, WARNING, Finding, about
from .parts import Part

# What becomes of an image without box, where boxes change anything.
_WITHOUT = {
    'labeled': 'FaceMix gives them the box of data_preprocessor.facemix.missing',
    'pre-training': 'a face map has no effect on them, all their patches are hidden alike',
}
_AGAIN = 'Find the boxes again on these images: python tools/detect_faces.py CONFIG --out FILE.'


def check_boxes(part: Part) -> List[Finding]:
    """Findings about the boxes of a part; none if it has none.

    Args:
        part: With ``facts``. Sizes are compared only for decoded images.
    """
    if part.boxes is None:
        return []
    missing = np.isnan(part.boxes).any(1)
    findings = _without(part, missing)
    sizes = np.array([(facts.width, facts.height) for facts in part.facts]).reshape(-1, 2)
    noted = part.box_sizes
    decoded, known = sizes.all(1), noted.all(1)
    other = decoded & known & (noted != sizes).any(1)
    turned = other & (noted[:, ::-1] == sizes).all(1)
    findings += about(ERROR, 'box size', part.name, _names(part, other & ~turned),
                      'have boxes that were found in an image of another size: the run stops '
                      'there', _AGAIN)
    findings += about(ERROR, 'box rotation', part.name, _names(part, turned),
                      'have boxes that were found before the picture was turned upright (width '
                      'and height are swapped): the run stops there', _AGAIN)
    exif = np.array([facts.orientation != 1 for facts in part.facts], dtype=bool)
    findings += about(WARNING, 'box rotation', part.name, _names(part, exif & ~known & ~missing),
                      'have an EXIF orientation, and their boxes do not say of which size the '
                      'image was: they may lie on the picture before it was turned', _AGAIN)
    x1, y1, x2, y2 = np.nan_to_num(part.boxes).T
    beside = (x2 <= 0) | (y2 <= 0) | (x1 >= sizes[:, 0]) | (y1 >= sizes[:, 1])
    return findings + about(WARNING, 'box outside', part.name,
                            _names(part, beside & decoded & ~missing & ~other),
                            'have a box beside the picture', _AGAIN)


def _without(part: Part, missing: np.ndarray) -> List[Finding]:
    if part.role not in _WITHOUT:
        return []
    return about(WARNING, 'no box', part.name, _names(part, missing),
                 f'of {len(part):,} have no face box ({part.box_source}): {_WITHOUT[part.role]}',
                 "Of several faces, boxes=dict(file=..., choose='largest') takes one.")


def _names(part: Part, chosen: np.ndarray) -> List[str]:
    return [part.ids[row] for row in np.nonzero(chosen)[0]]
