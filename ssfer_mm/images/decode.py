"""Decoding image files: the one place that decides which pixels and coordinates an image has."""
import os
import stat

import cv2
import numpy as np

from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.images.exif import UPRIGHT, turned_upright, webp_orientation
from ssfer_mm.images.header import is_cut_off, read_header, stored_size
from ssfer_mm.images.jpeg_header import jpeg_header

# What cv2 can halve while it decodes, and by how much each flag shrinks an edge.
REDUCTIONS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
              8: cv2.IMREAD_REDUCED_COLOR_8}

# A small file can claim to be a huge image. Decoded, this many pixels take 600 MB.
MAX_PIXELS = 200_000_000
MAX_BYTES = 1 << 30


def read_image(path: str) -> np.ndarray:
    """Decode an image file to uint8 (H, W, 3), BGR, turned upright.

    Grey images get three equal channels, alpha is dropped, 16 bits become 8 (the upper ones: what
    holds less than 16, such as 12, comes out dark), of decimal numbers (TIFF) 0 to 1 is black to
    white, and the orientation that a camera noted in the file (EXIF) is applied.

    Raises:
        UnreadableImage: The file is missing, unreadable, empty, cut off, no image, or of more than
            `MAX_PIXELS` pixels.
    """
    return _decode(path, read_file(path), cv2.IMREAD_COLOR)


def read_reduced(path: str, max_pixels: int, enough: int = 0) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode an image file, a large one at a half, a quarter or an eighth of its size.

    Args:
        path: An image file.
        max_pixels: Reduce the edges by 2, 4 or 8 until there are at most so many pixels.
        enough: Of a JPEG, reduce them as long as the longer one keeps at least so many pixels: its
            decoder then does less work. 0: not for this reason.

    Returns:
        The pixels as :func:`read_image` gives them, perhaps fewer; and (width, height) of what
        :func:`read_image` gives, for scaling coordinates back.

    Raises:
        UnreadableImage: As :func:`read_image`.
    """
    return decode_reduced(read_file(path), path, max_pixels, enough)


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Decode the bytes of an image file as :func:`read_image` does.

    Args:
        data: The bytes.
        name: What to call it in messages.

    Raises:
        UnreadableImage: As :func:`read_image`.
    """
    return _decode(name, data, cv2.IMREAD_COLOR)


def decode_reduced(data: bytes, name: str, max_pixels: int,
                   enough: int = 0) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode the bytes of an image file as :func:`read_reduced` does.

    Args:
        data: The bytes.
        name: What to call it in messages.
        max_pixels: As there.
        enough: As there.

    Raises:
        UnreadableImage: As :func:`read_image`.
    """
    header = jpeg_header(data)
    width, height, turned = header or read_header(data) or (0, 0, False)
    factor = next((f for f in (1, *REDUCTIONS) if width * height <= max_pixels * f * f),
                  max(REDUCTIONS))
    if header and enough:
        factor = max([factor, *(f for f in REDUCTIONS if max(width, height) >= enough * f)])
    img = _decode(name, data, REDUCTIONS.get(factor, cv2.IMREAD_COLOR))
    if factor == 1:
        return img, (img.shape[1], img.shape[0])
    # The header's size is that before turning upright; the pixels show whether edges swapped,
    # except in a square, which the rounding of the reduction may tilt either way.
    apart = img.shape[1] - img.shape[0]
    swapped = (apart > 0) != (width > height) if abs(apart) > 1 else turned
    return img, (height, width) if swapped else (width, height)


def pixels_of(content: str | np.ndarray, name: str,
              max_pixels: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The pixels of an image, be it a file or in memory.

    Args:
        content: The file's path, or pixels as :func:`three_channels` takes them.
        name: What to call an image in memory in messages.
        max_pixels: Of a file: as for :func:`read_reduced`.

    Returns:
        As :func:`read_reduced`.

    Raises:
        UserError: The file cannot be decoded, or the pixels have another shape or type.
    """
    if isinstance(content, str):
        return read_reduced(content, max_pixels)
    img = three_channels(content, name)
    return img, (img.shape[1], img.shape[0])


def three_channels(img: np.ndarray, name: str) -> np.ndarray:
    """An image in memory as uint8 (H, W, 3) BGR.

    Args:
        img: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
        name: The image's id, for messages.

    Raises:
        UserError: Another shape or type.
    """
    if not isinstance(img, np.ndarray) or img.dtype != np.uint8 or img.size == 0:
        found = f'{img.dtype} {img.shape}' if isinstance(img, np.ndarray) else type(img).__name__
        raise UserError(f'image {name} in memory is {found}: '
                        'give a non-empty uint8 array (H, W) or (H, W, 3) in BGR order')
    if img.ndim == 3 and img.shape[2] == 3:
        return img
    if img.ndim == 2 or img.ndim == 3 and img.shape[2] == 1:
        return cv2.cvtColor(img, cv2.COLOR_GRAY2BGR)
    if img.ndim == 3 and img.shape[2] == 4:
        return cv2.cvtColor(img, cv2.COLOR_BGRA2BGR)
    raise UserError(f'image {name} in memory has shape {img.shape}: '
                    'give (H, W) or (H, W, 3) in BGR order')


def read_file(path: str) -> bytes:
    """The whole image file, once it is known to be one, and of a size that an image may have.

    Raises:
        UnreadableImage: It is missing, unreadable, empty, or larger than `MAX_BYTES`.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            # A pipe would wait for a writer forever, and a device has no end.
            raise UnreadableImage(f'cannot read the image {path!r} (a folder, pipe or device): '
                                  'remove it')
        if status.st_size > MAX_BYTES:
            raise UnreadableImage(f'the image {path!r} has {status.st_size} bytes, expected at '
                                  f'most {MAX_BYTES}: it is damaged or no image; remove it')
        with open(path, 'rb') as file:
            data = file.read()
    except (OSError, ValueError) as error:  # the latter for a path with a null byte
        if isinstance(error, UserError):
            raise
        if isinstance(error, FileNotFoundError) and os.path.islink(path):
            raise UnreadableImage(f'the image {path!r} is a link to {os.readlink(path)!r}, which '
                                  'does not exist: mend or remove the link') from None
        reason = getattr(error, 'strerror', None) or error
        raise UnreadableImage(f'cannot read the image {path!r} ({reason}): check '
                              'the path and its permissions; of a data set, that data_root is '
                              'right and the set complete') from None
    if not data:
        raise UnreadableImage(f'the image {path!r} is an empty file: copy or extract it again')
    return data


def check_image(data: bytes, name: str) -> None:
    """Look at the header of an image file, and the end of a JPEG or PNG, in microseconds.

    Raises:
        UnreadableImage: It is not an image, cut off, or claims more than `MAX_PIXELS` pixels.
    """
    if _check_size(name, data) is None or is_cut_off(data):
        raise _undecodable(name, data)


def _check_size(name: str, data: bytes) -> tuple[int, int] | None:
    size = stored_size(data)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise UnreadableImage(
            f'the image {name!r} claims to have {size[0]} x {size[1]} pixels in {len(data)} bytes, '
            f'expected at most {MAX_PIXELS // 10**6} million: shrink or remove it')
    return size


def _undecodable(name: str, data: bytes) -> UnreadableImage:
    return UnreadableImage(f'the file {name!r} ({len(data)} bytes) cannot be decoded as an image: '
                           'it is damaged, cut off or no image; copy or extract it again')


def _decode(path: str, data: bytes, flags: int) -> np.ndarray:
    _check_size(path, data)
    # OpenCV turns all others, and by its version some WebP, too: here they are all turned alike.
    orientation = webp_orientation(data)
    if orientation != UPRIGHT:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        img = None if is_cut_off(data) else _pixels(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        img = None
    if img is None:
        raise _undecodable(path, data)
    return turned_upright(img, orientation)


def _pixels(data: np.ndarray, flags: int) -> np.ndarray | None:
    img = cv2.imdecode(data, flags)
    if img is None:
        # OpenCV makes no colors of a single channel of decimal numbers.
        img = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if img is None or img.ndim != 2 or img.dtype.kind != 'f':
            return None
        grey = np.clip(np.rint(np.nan_to_num(img) * 255), 0, 255).astype(np.uint8)
        img = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return img
