"""Decoding image files: the one place that decides which pixels and coordinates an image has."""
import contextlib
import warnings
from collections.abc import Iterator

import cv2
import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.jpeg_header import jpeg_header

# What cv2 can halve while it decodes, and by how much each flag shrinks an edge.
REDUCTIONS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
              8: cv2.IMREAD_REDUCED_COLOR_8}

EXIF_ORIENTATION = 0x0112


def read_image(path: str) -> np.ndarray:
    """Decode an image file to uint8 (H, W, 3), BGR, turned upright.

    Grey images get three equal channels, alpha is dropped, 16 bits become 8, and the orientation
    that a camera noted in the file (EXIF) is applied.

    Raises:
        UserError: The file is missing, unreadable, empty or no image.
    """
    return _decode(path, _read_bytes(path), cv2.IMREAD_COLOR)


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
        UserError: As :func:`read_image`.
    """
    data = _read_bytes(path)
    header = jpeg_header(data)
    width, height, turned = header or _stored_size(path)
    factor = next((f for f in (1, *REDUCTIONS) if width * height <= max_pixels * f * f),
                  max(REDUCTIONS))
    if header and enough:
        factor = max([factor, *(f for f in REDUCTIONS if max(width, height) >= enough * f)])
    img = _decode(path, data, REDUCTIONS.get(factor, cv2.IMREAD_COLOR))
    if factor == 1:
        return img, (img.shape[1], img.shape[0])
    # The header's size is that before turning upright; the pixels show whether edges swapped,
    # except in a square, which the rounding of the reduction may tilt either way.
    apart = img.shape[1] - img.shape[0]
    swapped = (apart > 0) != (width > height) if abs(apart) > 1 else turned
    return img, (height, width) if swapped else (width, height)


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


def _read_bytes(path: str) -> np.ndarray:
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise UserError(f'cannot read the image {path} ({error.strerror or error}): '
                        'check data_root and that the data set is complete') from None
    if data.size == 0:
        raise UserError(f'the image {path} is an empty file: copy or extract it again')
    return data


def _decode(path: str, data: np.ndarray, flags: int) -> np.ndarray:
    try:
        img = cv2.imdecode(data, flags)
    except cv2.error:
        img = None
    if img is None:
        raise UserError(f'the file {path} ({data.size} bytes) cannot be decoded as an image: '
                        'it is damaged or no image; copy or extract it again')
    return img


def _stored_size(path: str) -> tuple[int, int, bool]:
    """Width and height in the file's header, 0 if unknown; whether EXIF asks for a quarter turn."""
    try:
        # Where nothing but opencv is installed, images are decoded whole.
        from PIL import Image
    except ImportError:
        return 0, 0, False
    try:
        with _any_size(), Image.open(path) as image:
            return *image.size, image.getexif().get(EXIF_ORIENTATION, 1) >= 5
    except (OSError, ValueError, SyntaxError, TypeError):
        return 0, 0, False


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Pillow refuses huge images even to those who only ask for their size."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
