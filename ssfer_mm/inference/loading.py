"""Images of every kind, decoded and put into batches of bounded size."""
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional, Tuple, Union

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.images import read_reduced, three_channels

from .sources import Photo

# Of one image: 100 megapixels take 300 MB, and no network looks that closely.
MAX_PIXELS = 16_000_000
# Of a batch: 100 MB. Three batches exist at a time: one read, one waiting, one in work.
MAX_BATCH_PIXELS = 32_000_000


@dataclass(frozen=True)
class Loaded:
    """An image, or why there is none.

    Attributes:
        name: What to call it.
        pixels: uint8 (H, W, 3) BGR, a huge photo at a half, a quarter or an eighth of its size.
        size: (width, height) of the whole image.
        problem: Why there are no pixels.
        target: See :class:`Photo`.
        frame, time: Of a frame of a video.
    """
    name: str
    pixels: Optional[np.ndarray] = None
    size: Optional[Tuple[int, int]] = None
    problem: str = ''
    target: str = ''
    frame: Optional[int] = None
    time: Optional[float] = None


def load(image: Union[Photo, str, np.ndarray, object], number: int) -> Loaded:
    """Decode one image.

    Args:
        image: A file, a uint8 BGR or grey array, or a PIL image.
        number: Its place among all, for naming one in memory.
    """
    if isinstance(image, str):
        image = Photo(image, image, '')
    name = image.name if isinstance(image, Photo) else f'image {number}'
    target = image.target if isinstance(image, Photo) else ''
    try:
        if isinstance(image, Photo):
            pixels, size = read_reduced(image.path, MAX_PIXELS)
        else:
            pixels = three_channels(_from_pil(image), str(number))
            size = (pixels.shape[1], pixels.shape[0])
    except UserError as error:
        return Loaded(name, problem=str(error), target=target)
    return Loaded(name, pixels, size, target=target)


def in_batches(images: Iterable[Loaded], count: int,
               pixels: int = MAX_BATCH_PIXELS) -> Iterator[List[Loaded]]:
    """Consecutive images, so many at a time, fewer if they are large.

    Args:
        images: The images.
        count: Most images per batch.
        pixels: Most pixels per batch of several images.
    """
    batch: List[Loaded] = []
    total = 0
    for image in images:
        own = 0 if image.pixels is None else image.pixels.shape[0] * image.pixels.shape[1]
        if batch and (len(batch) == count or total + own > pixels):
            yield batch
            batch, total = [], 0
        batch.append(image)
        total += own
    if batch:
        yield batch


def _from_pil(image: object) -> object:
    """The BGR pixels of a PIL image turned upright; anything else as it is."""
    if not type(image).__module__.startswith('PIL.'):
        # Subclasses of PIL's class, such as those of a plugin, are named after their module.
        if not any(base.__module__ == 'PIL.Image' for base in type(image).__mro__):
            return image
    from PIL import ImageOps

    return np.ascontiguousarray(
        np.asarray(ImageOps.exif_transpose(image).convert('RGB'))[..., ::-1])
