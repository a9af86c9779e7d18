"""What two copies of a picture have in common: exact and perceptual hashes, a thumbnail.

The perceptual hash is the DCT pHash of Zauner, "Implementation and Benchmarking of Perceptual Image
Hash Functions", 2010: the signs of the 63 lowest frequencies of a 32 x 32 grey thumbnail. A sign is
independent of brightness and contrast, and a mirrored picture has the opposite one wherever the
horizontal frequency is odd, so mirrored copies are found with the same hashes.
"""
import hashlib
from typing import Tuple

import cv2
import numpy as np

THUMB = 32
_LOW = 8
# Bit k of the hash is frequency (k // 8, k % 8); bit 0, the mean, is always 0.
MIRROR_BITS = np.uint64(sum(1 << k for k in range(1, _LOW * _LOW) if k % _LOW % 2))
_POWERS = np.uint64(1) << np.arange(_LOW * _LOW, dtype=np.uint64)


def content_hash(image: np.ndarray) -> bytes:
    """16 bytes that two images share only if they have the same size and pixels.

    Args:
        image: uint8 (H, W, 3).
    """
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image))
    return digest.digest()


def thumbnail(image: np.ndarray) -> np.ndarray:
    """The image in grey, uint8 (32, 32), area means, whatever its proportions.

    Args:
        image: uint8 (H, W, 3), BGR.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA)


def perceptual_hash(thumb: np.ndarray) -> int:
    """The 63 signs as a number below 2 ** 64.

    Args:
        thumb: uint8 (32, 32).
    """
    low = cv2.dct(thumb.astype(np.float32))[:_LOW, :_LOW].ravel()
    signs = low > 0
    signs[0] = False
    return int(_POWERS[signs].sum(dtype=np.uint64))


def fingerprint(image: np.ndarray) -> Tuple[bytes, int, bytes]:
    """Content hash, perceptual hash and thumbnail (1024 bytes) of an image, uint8 (H, W, 3)."""
    thumb = thumbnail(image)
    return content_hash(image), perceptual_hash(thumb), thumb.tobytes()


def shifted_hashes(thumbs: np.ndarray, right: int, down: int) -> np.ndarray:
    """Perceptual hashes of thumbnails moved by whole pixels, their edges repeated.

    Args:
        thumbs: uint8 (N, 32, 32).
        right, down: Pixels.

    Returns:
        uint64 (N,).
    """
    rows = np.clip(np.arange(THUMB) - down, 0, THUMB - 1)
    columns = np.clip(np.arange(THUMB) - right, 0, THUMB - 1)
    return np.array([perceptual_hash(np.ascontiguousarray(thumb[rows][:, columns]))
                     for thumb in thumbs], dtype=np.uint64)
