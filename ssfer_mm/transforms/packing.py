"""The last transform of a pipeline: from arrays to what the model takes."""
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS
from mmpretrain.structures import DataSample

from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import transform_box
from ssfer_mm.images.name import ImageName

NO_BOX = np.full(4, np.nan, dtype=np.float32)


class _Pack(BaseTransform):
    keeps_face_box = True

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class PackFace(_Pack):
    """Pack one labeled (or test) face.

    Returns ``dict(inputs=..., data_samples=...)``: ``inputs`` is a uint8 tensor (3, H, W) in the
    channel order of ``img``; ``data_samples`` is a ``DataSample`` with

    - ``gt_label``: int64 (1,), if the item has one;
    - ``gt_score``: float32 (K,), if the item has scores to be trained on;
    - ``face_box``: float32 (4,), xyxy in pixels of this view, not clipped to it, four NaN if the
      face's place is unknown; where the item's box is ``'image'``, the whole raw image;
    - metainfo ``sample_id``, ``img_path``, ``img_shape``, ``ori_shape``.

    Raises:
        UserError: The pixels are not uint8 (H, W, 3); or the item's box was found in an image of
            another size (``face_box_size``, where a box file notes it).
    """

    META_KEYS = ('sample_id', 'img_path', 'img_shape', 'ori_shape')

    def transform(self, results: dict) -> dict:
        sample = DataSample()
        for key in self.META_KEYS:
            if key in results:
                sample.set_field(results[key], key, field_type='metainfo')
        if results.get('gt_label') is not None:
            sample.set_field(torch.tensor([int(results['gt_label'])]), 'gt_label')
        if results.get('gt_score') is not None:
            scores = np.array(results['gt_score'], dtype=np.float32)  # not the item's own
            sample.set_field(torch.from_numpy(scores), 'gt_score')
        _check_size(results)
        sample.set_field(torch.from_numpy(_box_in_view(results)), 'face_box')
        return dict(inputs=_to_chw(results['img']), data_samples=sample)


@TRANSFORMS.register_module()
class PackViews(_Pack):
    """Pack the two views of one unlabeled face, leaving every label behind.

    Returns ``dict(weak=..., strong=..., data_samples=...)``: two uint8 tensors (3, H, W) and an
    :class:`ImageName` instead of a ``DataSample``, so that no label, score or vote of an unlabeled
    face can reach the model.

    Raises:
        UserError: :class:`WeakStrongViews` is missing, or the pixels are not uint8 (H, W, 3).
    """

    def transform(self, results: dict) -> dict:
        if 'img_weak' not in results:
            raise UserError('PackViews found no views: put WeakStrongViews(weak=[...], '
                            'strong=[...]) before it, or use PackFace for labeled items')
        return dict(
            weak=_to_chw(results['img_weak']),
            strong=_to_chw(results['img_strong']),
            data_samples=_name(results))


@TRANSFORMS.register_module()
class PackUnlabeled(_Pack):
    """Pack one whole unlabeled face; its views are made later, for the batch.

    For ``data_preprocessor.views`` (:class:`ssfer_mm.models.DeviceViews`). All faces must have one
    size: where files differ, put ``TrackedResize(scale=(48, 48))`` before it.

    Returns ``dict(unlabeled=..., data_samples=...)``: a uint8 tensor (3, H, W) in the channel
    order of ``img``, and an :class:`ImageName`, without any label.

    Raises:
        UserError: The views are there already, or the pixels are not uint8 (H, W, 3).
    """

    def transform(self, results: dict) -> dict:
        if 'img_weak' in results:
            raise UserError('PackUnlabeled packs a whole face, but WeakStrongViews made views of '
                            'it: leave WeakStrongViews out, or use PackViews and '
                            'data_preprocessor.views=None')
        return dict(unlabeled=_to_chw(results['img']), data_samples=_name(results))


@TRANSFORMS.register_module()
class PackImage(_Pack):
    """Pack one unlabeled face for stage I: its pixels and its name.

    Returns ``dict(inputs=..., data_samples=...)``: a uint8 tensor (3, H, W) in the channel order
    of ``img``, and an :class:`ImageName`, the ``sample_id``. The main process makes and moves a
    ``DataSample`` in a tenth of a millisecond, one after the other: for the faces of a large batch
    that is longer than a GPU needs to learn from them (docs/performance.md).

    Raises:
        UserError: The pixels are not uint8 (H, W, 3).
    """

    def transform(self, results: dict) -> dict:
        return dict(inputs=_to_chw(results['img']), data_samples=_name(results))


def _name(results: dict) -> ImageName:
    return ImageName(results.get('sample_id') or results.get('img_path') or '?')


def _check_size(results: dict) -> None:
    """Refuse boxes that were found in another version of the image."""
    noted = results.get('face_box_size')
    if noted is None or 'ori_shape' not in results:
        return
    height, width = results['ori_shape'][:2]
    if noted != (width, height):
        raise UserError(f'the box file was made for images of another size: it says that '
                        f'{results.get("sample_id", "?")!r} has {noted[0]} x {noted[1]} pixels, '
                        f'but it has {width} x {height}: run tools/detect_faces.py on these images')


def _box_in_view(results: dict) -> np.ndarray:
    box = results.get('face_box')
    if box is None:
        return NO_BOX.copy()
    if isinstance(box, str) and box == 'image':
        height, width = results['ori_shape'][:2]
        box = (0, 0, width, height)
    matrix = results.get('view_matrix')
    return np.array(box if matrix is None else transform_box(box, matrix), dtype=np.float32)


def _to_chw(img: np.ndarray) -> torch.Tensor:
    if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
        raise UserError(f'the pipeline ends with {img.dtype} pixels of shape {img.shape}, but '
                        'uint8 (H, W, 3) is expected: remove Normalize and other conversions '
                        '(the data preprocessor normalizes)')
    return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))
