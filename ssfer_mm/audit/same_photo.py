"""Whether two thumbnails show the same photo: what decides after the hashes.

At this size all upright faces look alike from afar: bright skin, dark eyes. What differs between
people, and between two photos of one, is the fine structure, so the pictures are correlated without
their low frequencies, at the shift that fits best (copies are often cropped a little differently).
"""
import cv2
import numpy as np

from .fingerprint import THUMB

# Measured, see docs/check_data.md: lookalikes of two sources stay below, copies lie above.
SAME_PHOTO = 0.75
# A cheap first look at the whole picture, 16 x 16; copies that were cropped differently pass.
ALIKE = 0.87
SHIFT = 3
_SIGMA = 2.
_BATCH = 1024


def same_photo_scores(thumbs: np.ndarray, pairs: np.ndarray, mirrored: bool) -> np.ndarray:
    """How surely each pair of thumbnails shows the same photo.

    Args:
        thumbs: uint8 (N, 32, 32).
        pairs: int (P, 2).
        mirrored: Turn the first of each pair left to right.

    Returns:
        float32 (P,): correlation of the fine structure, -1 to 1, 0 where the pictures as a whole
        correlate less than ``ALIKE``. Compare with ``SAME_PHOTO``.
    """
    scores = np.zeros(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _BATCH):
        first, second = (thumbs[pairs[start:start + _BATCH, k]].astype(np.float32)
                         for k in (0, 1))
        if mirrored:
            first = first[:, :, ::-1]
        alike = np.nonzero(_coarse(first, second) >= ALIKE)[0]
        if len(alike):
            first, second = _fine_structure(first[alike]), _fine_structure(second[alike])
            scores[start + alike] = np.maximum(best_shift_correlation(first, second),
                                               best_shift_correlation(second, first))
    return scores


def best_shift_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of the middle of one picture with the other, at the best shift.

    Args:
        first: float (P, 32, 32), of which all but 3 pixels at each side is used.
        second: float (P, 32, 32).

    Returns:
        float (P,): largest normalized correlation over shifts of up to 3 pixels.
    """
    side = THUMB - 2 * SHIFT
    middle = first[:, SHIFT:-SHIFT, SHIFT:-SHIFT]
    middle = middle - middle.mean((1, 2), keepdims=True)
    spectrum = np.conj(np.fft.rfft2(middle, s=(THUMB, THUMB))) * np.fft.rfft2(second)
    # The middle has mean 0, so the mean of the window it meets does not matter.
    shifts = 2 * SHIFT + 1
    products = np.fft.irfft2(spectrum, s=(THUMB, THUMB))[:, :shifts, :shifts]
    mean = _window_sums(second, side) / side**2
    energy = _window_sums(second * second, side) - side**2 * mean**2
    norm = np.sqrt((middle**2).sum((1, 2)))[:, None, None] * np.sqrt(np.maximum(energy, 0))
    return (products / np.maximum(norm, 1e-3)).max((1, 2))


def _window_sums(image: np.ndarray, side: int) -> np.ndarray:
    """Sum of every side x side window, (P, 33 - side, 33 - side)."""
    sums = np.pad(image.astype(np.float64), ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
    return (sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side]
            + sums[:, :-side, :-side])


def _coarse(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of the pictures at 16 x 16."""
    small = []
    for thumbs in (first, second):
        half = thumbs.reshape(-1, THUMB // 2, 2, THUMB // 2, 2).mean((2, 4))
        half = half.reshape(len(thumbs), -1) - half.mean((1, 2))[:, None]
        small.append(half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-3))
    return (small[0] * small[1]).sum(1)


def _fine_structure(thumbs: np.ndarray) -> np.ndarray:
    """The pictures without what a blur of 2 pixels leaves."""
    return np.stack([thumb - cv2.GaussianBlur(thumb, (0, 0), _SIGMA,
                                              borderType=cv2.BORDER_REFLECT)
                     for thumb in np.ascontiguousarray(thumbs)])
