"""The first transform: from a file, or an array in memory, to pixels."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.images import read_image, three_channels

from .decoded_cache import DecodedCache


@TRANSFORMS.register_module()
class LoadFace(BaseTransform):
    """Decode a face image, or take one that is already in memory.

    Needs ``img`` (uint8, (H, W), (H, W, 1) or (H, W, 3) BGR) or else ``img_path``. Sets ``img``
    (uint8, (H, W, 3), BGR), ``img_shape`` and ``ori_shape`` (height, width), and ``view_matrix``:
    float64 (3, 3), raw-image pixels -> pixels of the current ``img``, here the identity.
    Grey images get three equal channels, alpha is dropped, and the orientation that a camera
    noted in the file (EXIF) is applied.

    Args:
        cache_gb: Keep up to so many gigabytes of decoded pixels in memory, for all workers of this
            pipeline together, and decode each file once instead of once per epoch. 0: no cache.

    Raises:
        UserError: The file is missing, empty or no image (the file is named); or the array has
            another shape or type.
    """

    keeps_face_box = True

    def __init__(self, cache_gb: float = 0.) -> None:
        if cache_gb < 0:
            raise UserError(f'LoadFace: cache_gb must not be negative, got {cache_gb}')
        self.cache = DecodedCache(cache_gb) if cache_gb else None

    def transform(self, results: dict) -> dict:
        img = results.get('img')
        if img is None:
            img = self._read(results['img_path'])
        else:
            img = three_channels(img, results.get('sample_id', '?'))
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        results['view_matrix'] = np.eye(3)
        return results

    def _read(self, path: str) -> np.ndarray:
        if self.cache is None:
            return read_image(path)
        img = self.cache.get(path)
        if img is None:
            img = read_image(path)
            self.cache.put(path, img)
        return img

    def __repr__(self) -> str:
        return f'LoadFace(cache_gb={self.cache.gigabytes if self.cache else 0})'
