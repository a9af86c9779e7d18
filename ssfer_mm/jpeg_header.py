"""Size and orientation of a JPEG from its first bytes, in a few microseconds.

Pillow tells them too, but is not there where only numpy, opencv and onnxruntime are.
"""
import struct
from typing import NamedTuple, Optional

import numpy as np

ORIENTATION = 0x0112
# Start-of-frame markers; C4, C8 and CC lie between them and mean other things.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
SCAN = 0xDA  # the pixels begin: no header comes after
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


class JpegHeader(NamedTuple):
    """What the file says before its pixels.

    Attributes:
        width, height: As stored, in pixels.
        turned: Whether EXIF asks for a quarter turn, which swaps them.
    """
    width: int
    height: int
    turned: bool


def jpeg_header(data: np.ndarray) -> Optional[JpegHeader]:
    """Read the header of a JPEG file.

    Args:
        data: uint8 (N,), the file's bytes.

    Returns:
        None for anything that is no JPEG with a sensible header.
    """
    view, place, turned = memoryview(data), 2, False
    if bytes(view[:2]) != b'\xff\xd8':
        return None
    try:
        while True:
            if view[place] != 0xFF:
                return None
            marker = view[place + 1]
            if marker == 0xFF or marker in STANDALONE:  # padding, or nothing behind it
                place += 1 if marker == 0xFF else 2
                continue
            length = struct.unpack_from('>H', view, place + 2)[0]
            if marker in FRAMES:
                height, width = struct.unpack_from('>HH', view, place + 5)
                return JpegHeader(width, height, turned) if width and height else None
            if marker == SCAN:
                return None
            if marker == 0xE1:
                turned = turned or _asks_for_a_turn(view[place + 4:place + 2 + length])
            place += 2 + length
    except (IndexError, struct.error):  # cut off
        return None


def _asks_for_a_turn(segment: memoryview) -> bool:
    """Whether an EXIF segment holds one of the orientations 5 to 8."""
    if bytes(segment[:6]) != b'Exif\0\0':
        return False
    tiff = segment[6:]
    order = {b'II': '<', b'MM': '>'}.get(bytes(tiff[:2]))
    if order is None:
        return False
    try:
        start = struct.unpack_from(order + 'I', tiff, 4)[0]
        for entry in range(struct.unpack_from(order + 'H', tiff, start)[0]):
            tag, _, _, value = struct.unpack_from(order + 'HHIH', tiff, start + 2 + 12 * entry)
            if tag == ORIENTATION:
                return 5 <= value <= 8
    except struct.error:
        pass
    return False
