"""Pairs of a config's faces, augmented and mixed as in training, for people to look at."""
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.registry import BATCH_AUGMENTS, DATASETS

from ssfer_mm.errors import UserError
from ssfer_mm.faces.boxes import clip_boxes

Box = Tuple[float, float, float, float]


@dataclass
class PreviewFace:
    """One augmented face of a pair.

    Attributes:
        image: uint8 (H, W, 3) RGB, the augmented view.
        sample_id: Id of the image.
        label: Name of its class.
        full: The face's box in pixels of the view, as far as it reaches; None if unknown.
        visible: The part of it inside the view; None if there is none.
        counted: The box that FaceMix uses, which may be the fixed one; None without boxes.
        missing: Whether FaceMix had to do without the face's own box.
    """
    image: np.ndarray
    sample_id: str
    label: str
    full: Optional[Box]
    visible: Optional[Box]
    counted: Optional[Box]
    missing: bool


@dataclass
class PreviewPair:
    """Two faces and their mixture ``lam * first + (1 - lam) * second``.

    Attributes:
        first: Image i.
        second: Image j.
        mixed: uint8 (H, W, 3) RGB.
        lam: Share of the first image, in [0, 1].
        iou: Overlap of the boxes that count, NaN without boxes.
        weight: Weight of each real image in the loss.
    """
    first: PreviewFace
    second: PreviewFace
    mixed: np.ndarray
    lam: float
    iou: float
    weight: float


def preview_pairs(cfg: Config, pairs: int = 8, seed: int = 0) -> List[PreviewPair]:
    """Draw pairs from a config's labeled images, augment them and mix them.

    Each pair gets its own ``lam``, to show the range; training draws one per batch.

    Args:
        cfg: A training config with ``train_dataloader.dataset`` of type ``SemiSupervisedDataset``
            and a ``facemix`` in its data preprocessor.
        pairs: How many.
        seed: Of the choice of images, the augmentation and ``lam``.

    Raises:
        UserError: The config has no such parts, its data cannot be read, or fewer than two
            images are labeled.
    """
    if pairs < 1:
        raise UserError(f'--pairs {pairs}: give 1 or more')
    facemix = BATCH_AUGMENTS.build(dict(facemix_config(cfg)))
    views = _of_preprocessor(cfg, 'views')
    views = BATCH_AUGMENTS.build(dict(views)) if views else None
    dataset = labeled_dataset(cfg)
    count = dataset.source_sizes[0]
    if count < 2:
        raise UserError(f'only {count} image is labeled, a pair needs two: choose a larger split')
    np.random.seed(seed)
    torch.manual_seed(seed)
    chosen = np.concatenate([np.random.permutation(count) for _ in range(2 * pairs // count + 1)])
    classes = dataset.metainfo['classes']
    couples = chosen[:2 * pairs].reshape(pairs, 2).tolist()
    return [_mix(facemix, views, [dataset[i], dataset[j]], classes) for i, j in couples]


def labeled_dataset(cfg: Config) -> Any:
    """The config's training data without its unlabeled part.

    Raises:
        UserError: The config has no labeled pipeline, or its data cannot be used.
    """
    data = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if not isinstance(data, Mapping) or 'labeled_pipeline' not in data:
        raise UserError('this config has no train_dataloader.dataset with a labeled_pipeline: '
                        'give one of configs/ssfer/ or configs/baselines/')
    settings = Config(dict(data=data)).to_dict()['data']
    settings.update(unlabeled_pipeline=None, extra_unlabeled=())
    settings.pop('keep_gb', None)  # a few images, once
    return DATASETS.build(settings)


def facemix_config(cfg: Config) -> Mapping[str, Any]:
    """The settings of FaceMix in a training config.

    Raises:
        UserError: The config trains without FaceMix.
    """
    facemix = _of_preprocessor(cfg, 'facemix')
    if facemix:
        return facemix
    raise UserError('this config trains without FaceMix (data_preprocessor.facemix is not set): '
                    'give one of configs/ssfer/')


def _of_preprocessor(cfg: Config, key: str) -> Optional[Mapping[str, Any]]:
    """A part of the data preprocessor, which may stand beside the model or in it."""
    for owner in (cfg, cfg.get('model') or {}):
        part = (owner.get('data_preprocessor') or {}).get(key)
        if part:
            return part
    return None


def _mix(facemix: Any, views: Optional[Any], items: Sequence[dict],
         classes: Sequence[str]) -> PreviewPair:
    images = torch.stack([item['inputs'] for item in items])
    samples = [item['data_samples'] for item in items]
    labels = torch.cat([sample.gt_label for sample in samples])
    boxes = torch.stack([sample.face_box for sample in samples])
    if views is not None:  # the items are whole faces
        images, crops = views.labeled(images)
        boxes = views.move_boxes(boxes, crops)
    images = images.float()
    batch = facemix.mix(images, torch.eye(len(classes))[labels], boxes)
    faces = [
        PreviewFace(
            image=_to_rgb(image),
            sample_id=sample.sample_id,
            label=classes[int(sample.gt_label)],
            full=_box(box),
            visible=_box(clip_boxes(box, image.shape[1:])),
            counted=_counted(facemix, box, image.shape[1:], bool(missing)),
            missing=bool(missing))
        for image, sample, box, missing in zip(images, samples, boxes, batch.missing)
    ]
    return PreviewPair(
        *faces,
        mixed=_to_rgb(batch.mixed[0]),
        lam=batch.lam,
        iou=float(batch.iou[0]),
        weight=float(batch.real_weight[0]))


def _counted(facemix: Any, box: torch.Tensor, view: Tuple[int, int],
             missing: bool) -> Optional[Box]:
    if missing and facemix.missing != 'fixed':
        return None
    return _box(facemix.boxes_that_count(box[None], view)[0][0])


def _box(box: torch.Tensor) -> Optional[Box]:
    x1, y1, x2, y2 = box.tolist()
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def _to_rgb(image: torch.Tensor) -> np.ndarray:
    return image.round().byte().flip(0).permute(1, 2, 0).contiguous().numpy()


def summary(pairs: Sequence[PreviewPair], extent: str) -> str:
    """One line: mean and spread of the IoU, and a warning if it says nothing.

    Example:
        >>> summary([], 'full')
        'no face boxes: this is plain Mixup'
    """
    iou = np.array([pair.iou for pair in pairs])
    unknown = sum(pair.first.missing + pair.second.missing for pair in pairs)
    if np.isnan(iou).all() or unknown == 2 * len(pairs):
        return 'no face boxes: this is plain Mixup'
    text = f'extent {extent}, IoU {np.nanmean(iou):.2f} ± {np.nanstd(iou):.2f}'
    if unknown:
        text += f', {unknown} of {2 * len(pairs)} faces without a box'
    if len(pairs) > 1 and np.ptp(iou) < 1e-3:
        other = "try extent='full'" if extent == 'visible' else 'check the boxes'
        text += f'; WARNING: the IoU is constant, so it weighs no pair differently: {other}'
    return text
