"""Images of every kind, decoded and put into batches of bounded size."""
import os
import os.path as osp
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, List, Optional, Tuple, Union

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import read_reduced, three_channels

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
        file: Where the pixels come from, for a closer look; ``''`` if they are all there is.
        prepared: What the detector made of the pixels, in a thread of its own.
    """
    name: str
    pixels: Optional[np.ndarray] = None
    size: Optional[Tuple[int, int]] = None
    problem: str = ''
    target: str = ''
    frame: Optional[int] = None
    time: Optional[float] = None
    file: str = ''
    prepared: object = None

    @property
    def scale(self) -> Tuple[float, float]:
        """(width, height) of the whole image as multiples of those of `pixels`."""
        height, width = self.pixels.shape[:2]
        return self.size[0] / width, self.size[1] / height

    def closer(self) -> 'Loaded':
        """The same image with all its pixels, or as many as are ever held of one; itself if it
        has them already.

        Raises:
            UserError: The file cannot be read any more.
        """
        if not self.file:
            return self
        return replace(self, pixels=read_reduced(self.file, MAX_PIXELS)[0], file='')


def load(image: Union[Photo, str, os.PathLike, np.ndarray, Loaded, object], number: int,
         enough: int = 0) -> Loaded:
    """Decode one image.

    Args:
        image: The path of a file, a uint8 BGR or grey array, or a PIL image. A loaded one stays
            as it is.
        number: Its place among all, for naming one in memory.
        enough: See :func:`read_reduced`.
    """
    if isinstance(image, Loaded):
        return image
    if isinstance(image, (str, os.PathLike)):
        path = os.fspath(image)
        image = Photo(osp.expanduser(path), path, '')
    name = image.name if isinstance(image, Photo) else f'image {number}'
    target = image.target if isinstance(image, Photo) else ''
    try:
        if isinstance(image, Photo):
            pixels, size = read_reduced(image.path, MAX_PIXELS, enough)
        else:
            pixels = three_channels(_from_pil(image), str(number))
            size = (pixels.shape[1], pixels.shape[0])
    except UserError as error:
        return Loaded(name, problem=str(error), target=target)
    reduced = enough and pixels.shape[1::-1] != size
    return Loaded(name, pixels, size, target=target, file=image.path if reduced else '')


def in_batches(images: Iterable[Loaded], count: int, pixels: int = MAX_BATCH_PIXELS,
               first: Optional[int] = None) -> Iterator[List[Loaded]]:
    """Consecutive images, so many at a time, fewer if they are large.

    Args:
        images: The images.
        count: Most images per batch.
        pixels: Most pixels per batch of several images.
        first: Most images in the first batch, of which each following one may have twice as many;
            None: ``count``.
    """
    batch: List[Loaded] = []
    total = 0
    limit = min(first or count, count)
    for image in images:
        own = 0 if image.pixels is None else image.pixels.shape[0] * image.pixels.shape[1]
        if batch and total + own > pixels:
            yield batch
            batch, total, limit = [], 0, min(2 * limit, count)
        batch.append(image)
        total += own
        if len(batch) == limit:  # at once: a camera's next picture is taken only then
            yield batch
            batch, total, limit = [], 0, min(2 * limit, count)
    if batch:
        yield batch


def _from_pil(image: object) -> object:
    """The BGR pixels of a PIL image turned upright; anything else as it is."""
    if not type(image).__module__.startswith('PIL.'):
        # Subclasses of PIL's class, such as those of a plugin, are named after their module.
        if not any(base.__module__ == 'PIL.Image' for base in type(image).__mro__):
            return image
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith('I;16'):
        # Pillow itself makes everything above 255 white; of a file the upper byte is kept.
        return (np.asarray(image) >> 8).astype(np.uint8)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
