"""Any mmdet 3.x detector as a face detector."""
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.registry import TASK_UTILS

from ssfer_mm.errors import UserError
from ssfer_mm.files.download import fetch_weights
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.safe_loading import load_checkpoint_safely

from .base import check_detector
from .mmdet_model import (
    build_model,
    class_count,
    import_mmdet,
    keep_boxes_whole,
    load_weights,
    nms_iou_of,
    prepare_to_predict,
    set_thresholds,
)
from .network import LetterboxInput, MMDetNetwork, Prepared


@TASK_UTILS.register_module()
class MMDetFaceDetector(MMDetNetwork):
    """Finds faces with an mmdet 3.x config and checkpoint.

    mmdet is imported when one is made, not before, mmengine's default scope stays what it was, and
    mmcv need not be compiled for RTMDet and YOLOX.

    Args:
        config: An mmdet config file, or its contents as a dict with at least ``model``.
        checkpoint: The model's weights: a file, or a URL, which is downloaded once.
        score_threshold: Faces below are dropped; in [0, 1].
        face_class: Name or index of the class that is a face. None: the only class, or the one
            called ``face``.
        input_size: Fit every image into a square of this side, in pixels. None: prepare images as
            the config's own test pipeline does.
        batch_size: Images per forward pass.
        device: Where to run.

    Raises:
        UserError: A file is missing, the weights are of another architecture, no class is known
            to be a face, or mmdet is not installed.
    """

    def __init__(self,
                 config: Union[str, Path, Mapping[str, Any]],
                 checkpoint: Optional[str] = None,
                 score_threshold: float = 0.5,
                 face_class: Union[str, int, None] = None,
                 input_size: Optional[int] = None,
                 batch_size: int = 16,
                 device: str = 'cpu') -> None:
        check_detector('MMDetFaceDetector', score_threshold, batch_size=batch_size,
                       input_size=input_size or 32)
        cfg, title = _read_config(config)
        if not checkpoint:
            raise UserError(f'MMDetFaceDetector: the config {title} comes without weights, and a '
                            "detector without weights finds nothing: give checkpoint='FILE.pth' or "
                            'a URL')
        import_mmdet()
        model = build_model(set_thresholds(cfg['model'], score_threshold), title)
        self.file = _checkpoint_file(checkpoint)
        saved = load_checkpoint_safely(self.file)
        load_weights(model, saved.get('state_dict', saved), f'checkpoint {self.file}')
        keep_boxes_whole(model)
        label = face_label(face_class, _class_names(saved, cfg), class_count(model), title)
        prepare = LetterboxInput(input_size) if input_size else PipelineInput(cfg, title)
        super().__init__(f'mmdet:{title}', prepare_to_predict(model), prepare, label,
                         score_threshold, batch_size, device)
        self.input_size = input_size
        self.nms_iou = nms_iou_of(cfg['model'])
        self.sha256 = sha256_of(self.file)


class PipelineInput:
    """Prepares an image as an mmdet config's test pipeline does.

    Args:
        cfg: An mmdet config.
        title: What to call it in an error.

    Raises:
        UserError: It has no test pipeline, or one that cannot be built.
    """

    def __init__(self, cfg: Mapping[str, Any], title: str) -> None:
        from mmcv.transforms import Compose

        steps = _test_pipeline(cfg)
        if not steps:
            raise UserError(f'the config {title} has no test pipeline; give the detector an '
                            'input_size, such as 640')
        # The image is there already, and there are no annotations.
        steps = [step for step in steps if 'Load' not in str(step['type'])]
        try:
            with DefaultScope.overwrite_default_scope('mmdet'):
                self.transform = Compose([dict(type='LoadImageFromNDArray'), *steps])
        except Exception as error:  # as in build_model
            raise UserError(f'the test pipeline of {title} cannot be built ({error}); correct it '
                            'or give the detector an input_size') from error

    def __call__(self, image: np.ndarray) -> Prepared:
        packed = self.transform(dict(img=image, img_id=0))
        return packed['inputs'], packed['data_samples']


def face_label(wanted: Union[str, int, None], names: Sequence[str], count: Optional[int],
               title: str) -> int:
    """Index of the class that is a face.

    Args:
        wanted: The user's choice: name, index or None.
        names: Names of the model's classes, as far as known. A list of the wrong length is not
            believed: checkpoints fine-tuned from COCO often keep its names.
        count: Number of classes, None where unknown.
        title: What to call the model in an error.

    Raises:
        UserError: The wanted class does not exist, or the choice is not obvious.

    Example:
        >>> face_label(None, ['person', 'Face'], 2, 'a model')
        1
    """
    names = [name.lower() for name in names] if count in (None, len(names)) else []
    count = count or len(names) or None
    listed = ', '.join(names[:8]) + (', ...' if len(names) > 8 else '') if names else 'no names'
    found = f'the model of {title} has {count or "an unknown number of"} classes ({listed})'
    if isinstance(wanted, int):
        if wanted < 0 or (count is not None and wanted >= count):
            raise UserError(f'{found}, but face_class is {wanted}; give an index below {count}')
        return wanted
    if wanted is not None:
        if wanted.lower() in names:
            return names.index(wanted.lower())
        raise UserError(f'{found}, but face_class is {wanted!r}; give one of its names or an index')
    if count == 1:
        return 0
    if 'face' in names:
        return names.index('face')
    raise UserError(f"{found}, none known as 'face'; give face_class=NAME or its index")


def _read_config(config: Union[str, Path, Mapping[str, Any]]) -> Tuple[dict, str]:
    """The config as a plain dict, and a short name for it."""
    if isinstance(config, (str, Path)):
        path = Path(config).expanduser()
        if not path.is_file():
            raise UserError(f'mmdet config {path} not found; expected a .py file. Check the path')
        try:
            cfg = Config.fromfile(str(path)).to_dict()
        except Exception as error:
            raise UserError(f'mmdet config {path} cannot be read ({error}); correct it') from error
        title = path.stem
    else:
        cfg = Config(dict(config)).to_dict()
        title = str((cfg.get('model') or {}).get('type', 'dict')).lower()
    if not isinstance(cfg.get('model'), dict) or 'type' not in cfg['model']:
        raise UserError(f'the config {title} holds no model=dict(type=...); give an mmdet 3.x '
                        'config of a detector')
    if 'data_preprocessor' in cfg:
        cfg['model'].setdefault('data_preprocessor', cfg['data_preprocessor'])
    return cfg, title


def _checkpoint_file(checkpoint: str) -> Path:
    if str(checkpoint).startswith(('http://', 'https://')):
        return fetch_weights(str(checkpoint))
    return Path(checkpoint).expanduser()


def _class_names(saved: Mapping[str, Any], cfg: Mapping[str, Any]) -> Sequence[str]:
    """Class names: those that were saved with the weights, else those of the config's data."""
    meta = saved.get('meta') or {}
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    for owner in (meta.get('dataset_meta'), meta, dataset.get('metainfo'), cfg.get('metainfo')):
        for key in ('classes', 'CLASSES'):
            names = (owner or {}).get(key)
            if names:
                return [names] if isinstance(names, str) else list(names)
    return []


def _test_pipeline(cfg: Mapping[str, Any]) -> List[dict]:
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and isinstance(dataset.get('dataset'), Mapping):
        dataset = dataset['dataset']
    return list(dataset.get('pipeline') or cfg.get('test_pipeline') or [])
