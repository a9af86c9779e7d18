"""The first transform: from a file, or an array in memory, to pixels."""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError


@TRANSFORMS.register_module()
class LoadFace(BaseTransform):
    """Decode a face image, or take one that is already in memory.

    Needs ``img`` (uint8, (H, W), (H, W, 1) or (H, W, 3) BGR) or else ``img_path``. Sets ``img``
    (uint8, (H, W, 3), BGR), ``img_shape`` and ``ori_shape`` (height, width), and ``view_matrix``:
    float64 (3, 3), raw-image pixels -> pixels of the current ``img``, here the identity.
    Grey images get three equal channels, alpha is dropped, and the orientation that a camera
    noted in the file (EXIF) is applied.

    Raises:
        UserError: The file is missing, empty or no image (the file is named); or the array has
            another shape or type.
    """

    def transform(self, results: dict) -> dict:
        img = results.get('img')
        img = read_image(results['img_path']) if img is None else _three_channels(img, results)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        results['view_matrix'] = np.eye(3)
        return results

    def __repr__(self) -> str:
        return 'LoadFace()'


def read_image(path: str) -> np.ndarray:
    """Decode an image file to uint8 (H, W, 3), BGR, turned upright.

    Raises:
        UserError: The file is missing, unreadable, empty or no image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise UserError(f'cannot read the image {path} ({error.strerror or error}): '
                        'check data_root and that the data set is complete') from None
    if data.size == 0:
        raise UserError(f'the image {path} is an empty file: copy or extract it again')
    try:
        img = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        img = None
    if img is None:
        raise UserError(f'the file {path} ({data.size} bytes) cannot be decoded as an image: '
                        'it is damaged or no image; copy or extract it again')
    return img


def _three_channels(img: np.ndarray, results: dict) -> np.ndarray:
    if not isinstance(img, np.ndarray) or img.dtype != np.uint8 or img.size == 0:
        found = f'{img.dtype} {img.shape}' if isinstance(img, np.ndarray) else type(img).__name__
        raise UserError(f"image {results.get('sample_id', '?')} in memory is {found}: "
                        'give a non-empty uint8 array (H, W) or (H, W, 3) in BGR order')
    if img.ndim == 3 and img.shape[2] == 3:
        return img
    if img.ndim == 2 or img.ndim == 3 and img.shape[2] == 1:
        return cv2.cvtColor(img, cv2.COLOR_GRAY2BGR)
    if img.ndim == 3 and img.shape[2] == 4:
        return cv2.cvtColor(img, cv2.COLOR_BGRA2BGR)
    raise UserError(f"image {results.get('sample_id', '?')} in memory has shape {img.shape}: "
                    'give (H, W) or (H, W, 3) in BGR order')
