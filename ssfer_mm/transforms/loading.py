"""The first transform: from a file, or an array in memory, to pixels."""
import hashlib

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.images.decode import (
    decode_image,
    decode_reduced,
    read_image,
    read_reduced,
    three_channels,
)
from ssfer_mm.ranges import check_number

from .decoded_cache import DecodedCache


@TRANSFORMS.register_module()
class LoadFace(BaseTransform):
    """Decode a face image, or take one that is already in memory.

    Needs ``img`` (uint8, (H, W), (H, W, 1) or (H, W, 3) BGR), ``img_bytes`` (an encoded image) or
    else ``img_path``. Sets ``img`` (uint8, (H, W, 3), BGR), ``img_shape`` and ``ori_shape``
    (height, width), and ``view_matrix``: float64 (3, 3), raw-image pixels -> pixels of the current
    ``img``, the identity unless a huge image was reduced.
    Grey images get three equal channels, alpha is dropped, and the orientation that a camera
    noted in the file (EXIF) is applied.

    Args:
        cache_gb: Keep up to so many gigabytes of decoded pixels in memory, for all workers of this
            pipeline together, and decode each image once instead of once per epoch; files are
            known by their path, ``img_bytes`` by their content. 0: no cache.
        max_pixels: Decode larger images at a half, a quarter or an eighth of their size, until
            they have at most so many pixels. Several times faster for photos of many megapixels;
            JPEG only, other formats gain nothing. Not together with a cache.

    Raises:
        UserError: The file is missing, empty or no image (the file is named); or the array has
            another shape or type; or the cache is more than the machine can reserve.
    """

    keeps_face_box = True

    def __init__(self, cache_gb: float = 0., max_pixels: int | None = None) -> None:
        check_number('LoadFace', 'cache_gb', cache_gb)
        if max_pixels is not None and (max_pixels < 1 or cache_gb):
            raise UserError(f'LoadFace got max_pixels={max_pixels} and cache_gb={cache_gb}; give a '
                            'positive number of pixels and no cache, or a cache alone')
        self.cache = DecodedCache(cache_gb) if cache_gb else None
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict:
        img, size = self._pixels(results)
        height, width = img.shape[:2]
        results['img'], results['img_shape'] = img, (height, width)
        results['ori_shape'], results['view_matrix'] = (height, width), np.eye(3)
        if size is not None:
            results['ori_shape'] = (size[1], size[0])
            results['view_matrix'] = np.diag([width / size[0], height / size[1], 1.])
        return results

    def _pixels(self, results: dict) -> tuple[np.ndarray, tuple[int, int] | None]:
        """The image, and the (width, height) of the raw one where it may have been reduced."""
        name, data = results.get('sample_id', '?'), results.pop('img_bytes', None)
        if results.get('img') is not None:
            return three_channels(results['img'], name), None
        if self.max_pixels is not None:
            if data is None:
                return read_reduced(results['img_path'], self.max_pixels)
            return decode_reduced(data, name, self.max_pixels)
        return self._whole(results['img_path'] if data is None else name, data), None

    def _whole(self, name: str, data: bytes | None) -> np.ndarray:
        """The image in ``data``, or else in the file ``name``; from the cache if it is there."""
        if self.cache is None:
            return read_image(name) if data is None else decode_image(data, name)
        # Not by its id: nothing keeps two images of a store from having the same.
        key = name if data is None else hashlib.sha256(data).hexdigest()
        img = self.cache.get(key)
        if img is None:
            img = read_image(name) if data is None else decode_image(data, name)
            self.cache.put(key, img)
        return img

    def __repr__(self) -> str:
        return (f'LoadFace(cache_gb={self.cache.gigabytes if self.cache else 0}, '
                f'max_pixels={self.max_pixels})')
