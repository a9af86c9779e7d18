"""Size and orientation of a JPEG from its first bytes, in a few microseconds.

Pillow tells them too, but is not there where only numpy, opencv and onnxruntime are.
"""
import struct
from collections.abc import Iterator
from typing import NamedTuple, Optional

import numpy as np

from ssfer_mm.images.exif import MARK, exif_orientation

# Start-of-frame markers; C4, C8 and CC lie between them and mean other things.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
EXIF = 0xE1
SCAN = 0xDA  # the pixels begin: no header comes after
END = 0xD9
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


class Header(NamedTuple):
    """What the file says before its pixels.

    Attributes:
        width, height: As stored, in pixels.
        turned: Whether EXIF asks for a quarter turn, which swaps them.
    """
    width: int
    height: int
    turned: bool


def segments(data: bytes | np.ndarray) -> Iterator[tuple[int, int]]:
    """The segments of a JPEG, up to its end: (marker, place of the two bytes behind it).

    Stray bytes between segments are skipped, as decoders do. Segments are skipped whole: the one
    with a thumbnail holds a JPEG with markers of its own.
    """
    view, place = memoryview(data), 2
    while place < len(view) - 3:
        if view[place] != 0xFF:
            found = view[place:].tobytes().find(b'\xff')
            if found < 0:
                return
            place += found
            continue
        marker = view[place + 1]
        if marker == END:
            return
        if marker == 0xFF:  # padding
            place += 1
        elif marker == 0 or marker in STANDALONE:
            place += 2
        else:
            yield marker, place + 2
            place += 2 + struct.unpack_from('>H', view, place + 2)[0]


def jpeg_header(data: bytes | np.ndarray) -> Optional[Header]:
    """Read the header of a JPEG file.

    Args:
        data: The file's bytes, as such or as uint8 (N,).

    Returns:
        None for anything that is not a JPEG with a sensible header.
    """
    view, turned = memoryview(data), False
    if bytes(view[:2]) != b'\xff\xd8':
        return None
    for marker, place in segments(data):
        if marker == SCAN:
            return None
        if marker in FRAMES:
            if place + 7 > len(view):  # cut off
                return None
            height, width = struct.unpack_from('>HH', view, place + 3)
            return Header(width, height, turned) if width and height else None
        if marker == EXIF:
            length = struct.unpack_from('>H', view, place)[0]
            block = view[place + 2:place + length]
            # Other segments of this kind hold XMP.
            turned = turned or block[:6] == MARK and exif_orientation(block) >= 5
    return None
