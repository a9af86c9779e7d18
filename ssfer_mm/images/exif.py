"""How a camera was held, as it noted in the picture's EXIF data."""
import struct

import cv2
import numpy as np

EXIF_ORIENTATION = 0x0112
UPRIGHT = 1
MARK = b'Exif\0\0'  # before the data, in a JPEG always and in a WebP sometimes


def exif_orientation(block: bytes | memoryview) -> int:
    """The orientation in a block of EXIF data, 1 to 8; 1, upright, where it says nothing.

    Args:
        block: The data, with or without `MARK` before it. Damaged ones say nothing.
    """
    tiff = memoryview(block)
    if tiff[:6] == MARK:
        tiff = tiff[6:]
    order = {b'II': '<', b'MM': '>'}.get(bytes(tiff[:2]))
    if order is None:
        return UPRIGHT
    try:
        start = struct.unpack_from(order + 'I', tiff, 4)[0]
        for entry in range(struct.unpack_from(order + 'H', tiff, start)[0]):
            tag, _, _, value = struct.unpack_from(order + 'HHIH', tiff, start + 2 + 12 * entry)
            if tag == EXIF_ORIENTATION:
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def webp_orientation(data: bytes) -> int:
    """The orientation noted in a WebP file, 1 for anything else."""
    if data[:4] != b'RIFF' or data[8:12] != b'WEBP':
        return UPRIGHT
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from('<4sI', data, place)
        if kind == b'EXIF':
            return exif_orientation(data[place + 8:place + 8 + length])
        place += 8 + length + length % 2
    return UPRIGHT


def turned_upright(img: np.ndarray, orientation: int) -> np.ndarray:
    """An image (H, W, C) as it was meant to be seen; orientations from 5 swap H and W."""
    if orientation >= 5:
        img = cv2.transpose(img)
    # Along which axes it is mirrored then, as cv2 numbers them; None: along neither.
    axis = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return img if axis is None else cv2.flip(img, axis)
