"""Everything that one look at an image file tells."""
import contextlib
import warnings
from dataclasses import dataclass, replace
from typing import Union

import cv2
import numpy as np
from PIL import Image

from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import read_image, three_channels
from ssfer_mm.images.exif import EXIF_ORIENTATION
from ssfer_mm.images.header import any_size

from .fingerprint import fingerprint

# A picture with less contrast than this many grey levels (standard deviation) shows nothing.
BLANK = 2.
_MODES = {'1': 'two-colour', 'L': 'grey', 'LA': 'grey alpha', 'P': 'palette', 'PA': 'palette alpha',
          'RGB': 'colour', 'RGBX': 'colour', 'RGBA': 'alpha', 'RGBa': 'alpha', 'La': 'grey alpha',
          'CMYK': 'CMYK', 'YCbCr': 'colour', 'I': 'grey 32-bit', 'F': 'grey float'}


@dataclass(frozen=True)
class FileFacts:
    """What is known of one image.

    Attributes:
        error: Why it cannot be read; empty if it can.
        mode: Words for how the file stores it, such as ``'grey 16-bit'`` or ``'colour'``.
        width, height: Pixels as training sees them, 0 if not decoded.
        orientation: EXIF orientation, 1 if there is none.
        turned: Whether the loader turned the picture as the orientation says.
        frames: Pictures in the file; the first one is used.
        contrast: Standard deviation of the thumbnail in grey levels.
        content: Hash of the pixels; empty if not decoded.
        perceptual: Perceptual hash.
        thumb: Thumbnail, 1024 bytes.
    """
    error: str = ''
    mode: str = ''
    width: int = 0
    height: int = 0
    orientation: int = 1
    turned: bool = False
    frames: int = 1
    contrast: float = 0.
    content: bytes = b''
    perceptual: int = 0
    thumb: bytes = b''

    @property
    def blank(self) -> bool:
        """Whether the decoded picture shows next to nothing."""
        return bool(self.content) and self.contrast < BLANK


def inspect(image: Union[str, np.ndarray], name: str = '?', decode: bool = True) -> FileFacts:
    """Look at one image; whatever is wrong with it is in the result.

    Args:
        image: Path, or pixels, uint8 (H, W) or (H, W, 3) BGR.
        name: Its id, for messages about pixels.
        decode: False reads the header only: no size, no hashes, damage goes unnoticed.
    """
    if isinstance(image, np.ndarray):
        try:
            return _with_pixels(FileFacts(mode='grey' if image.ndim == 2 else 'colour'),
                                three_channels(image, name))
        except UserError as error:
            return FileFacts(error=str(error))
    try:
        facts = _header(image)
    # A hostile file can make a decoder raise anything at all.
    except Exception as error:
        facts = FileFacts(error=f'{type(error).__name__}: {error}')
    if not decode:
        return facts
    try:
        pixels = read_image(image)
    except UserError as error:
        return replace(facts, error=str(error))
    # What OpenCV can read and Pillow cannot is used by training all the same.
    facts = replace(facts, error='')
    if facts.orientation != 1:
        facts = replace(facts, turned=_is_turned(image, pixels))
    return _with_pixels(facts, pixels)


def _with_pixels(facts: FileFacts, pixels: np.ndarray) -> FileFacts:
    content, perceptual, thumb = fingerprint(pixels)
    return replace(facts, width=pixels.shape[1], height=pixels.shape[0], content=content,
                   perceptual=perceptual, thumb=thumb,
                   contrast=float(np.frombuffer(thumb, np.uint8).std()))


def _header(path: str) -> FileFacts:
    """What the header says."""
    with any_size(), contextlib.ExitStack() as stack:
        # Those of the whole program: here it reads in one thread.
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter('ignore')
        image = stack.enter_context(Image.open(path))
        mode = _MODES.get(image.mode, f'grey {image.mode[2:]}-bit'
                          if image.mode.startswith('I;') else image.mode)
        if _is_deep(image) and 'bit' not in mode:
            mode += ' 16-bit'
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
        return FileFacts(mode=mode.replace('16B', '16').replace('16L', '16'),
                         frames=getattr(image, 'n_frames', 1),
                         orientation=orientation if orientation in range(1, 9) else 1)


def _is_deep(image: Image.Image) -> bool:
    """Whether a color image has 16 bits per channel, of which Pillow shows 8."""
    if image.format == 'PNG':
        with open(image.filename, 'rb') as file:
            return file.read(25)[24:] == b'\x10'
    if image.format == 'TIFF':
        return max(image.tag_v2.get(258, (8,))) == 16
    return False


def _is_turned(path: str, pixels: np.ndarray) -> bool:
    """Whether the loader heeded the orientation; OpenCV does not in every format."""
    with contextlib.suppress(cv2.error, OSError):
        stored = cv2.imdecode(np.fromfile(path, np.uint8),
                              cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        return stored is None or not np.array_equal(stored, pixels)
    return True
