"""The first transform: from a file, or an array in memory, to pixels."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError
from ssfer_mm.images import (
    decode_image,
    decode_reduced,
    read_image,
    read_reduced,
    three_channels,
)


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
        max_pixels (int, optional): Decode larger images at a half, a quarter or an eighth of their
            size, until they have at most so many pixels. Several times faster for photos of
            many megapixels; JPEG only, other formats gain nothing.

    Raises:
        UserError: The file is missing, empty or no image (the file is named); or the array has
            another shape or type.
    """

    keeps_face_box = True

    def __init__(self, max_pixels: int | None = None) -> None:
        if max_pixels is not None and max_pixels < 1:
            raise UserError(f'LoadFace got max_pixels={max_pixels}; give a positive number or None')
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict:
        img, name = results.get('img'), results.get('sample_id', '?')
        data = results.pop('img_bytes', None)
        size = None
        if img is not None:
            img = three_channels(img, name)
        elif self.max_pixels is None:
            img = read_image(results['img_path']) if data is None else decode_image(data, name)
        elif data is None:
            img, size = read_reduced(results['img_path'], self.max_pixels)
        else:
            img, size = decode_reduced(data, name, self.max_pixels)
        height, width = img.shape[:2]
        results['img'], results['img_shape'] = img, (height, width)
        results['ori_shape'] = (height, width) if size is None else (size[1], size[0])
        results['view_matrix'] = np.eye(3) if size is None else np.diag(
            [width / size[0], height / size[1], 1.])
        return results

    def __repr__(self) -> str:
        return f'LoadFace(max_pixels={self.max_pixels})'
