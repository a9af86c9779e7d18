"""How a transform says where it moved the pixels.

``results['view_matrix']`` maps raw-image coordinates to coordinates of the current ``img``. Every
tracked transform multiplies its own matrix onto it from the left, so that a face box found once on
the raw image can be carried into any view. Coordinates are those of :mod:`ssfer_mm.faces.boxes`:
continuous, pixel ``i`` covers ``[i, i + 1)``.
"""
import numpy as np


def track(results: dict, matrix: np.ndarray) -> dict:
    """Note that ``img`` was just moved by ``matrix``, float64 (3, 3); returns ``results``."""
    before = results.get('view_matrix')
    results['view_matrix'] = matrix if before is None else matrix @ before
    return results


def shift_matrix(dx: float, dy: float) -> np.ndarray:
    """Matrix (3, 3) of "everything moves ``dx`` pixels to the right and ``dy`` down"."""
    return np.array([[1., 0., dx], [0., 1., dy], [0., 0., 1.]])
