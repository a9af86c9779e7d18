"""From any file of weights to one model that is fully described."""
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Optional, Tuple, Union

from mmengine.config import Config
from torch import Tensor

from ssfer_mm.checkpoints import (
    check_fit,
    in_mmpretrain_names,
    infer_model,
    is_vit,
    kind_of,
    layout_of,
    read_config_text,
    resize_vit,
    weights_in,
)
from ssfer_mm.component_types import check_types
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError, one_line
from ssfer_mm.expressions import CLASSES_OF
from ssfer_mm.faces.square_crop import square_around
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.models.export import classifier_config
from ssfer_mm.safe_loading import load_checkpoint_safely

from .published import published_model
from .training_summary import training_summary

FORMAT = 'ssfer_mm model 1'
# The paper's mean and std of RGB in 0-255, those of the released weights and of every config here.
SSFER_MEAN = (149.94, 117.045, 102.51)
SSFER_STD = (58.14, 51.51, 48.45)
RGB = Optional[Tuple[float, float, float]]


@dataclass(frozen=True)
class Options:
    """What the user knows better than the file; None or '' leaves it to the file.

    Attributes:
        dataset: A key of `CLASSES_OF`: the classes, and the mean and std of the released weights.
        classes: Names of the classes, in order.
        mean, std: Of the RGB channels in 0-255.
        img_size: Side of the images in pixels; position embeddings are interpolated to it.
        num_heads: Attention heads of a ViT, which its weights do not tell.
        config: Path of the config that the weights were trained with.
        key: Entry of the file that holds the weights.
        margin: Around a detected face, in crops like those of the training; see
            `ssfer_mm.faces.square_crop.square_around`.
    """
    dataset: str = ''
    classes: Tuple[str, ...] = ()
    mean: RGB = None
    std: RGB = None
    img_size: Optional[int] = None
    num_heads: Optional[int] = None
    config: str = ''
    key: str = ''
    margin: Optional[float] = None


@dataclass
class Described:
    """Weights and everything that is known about them.

    Attributes:
        kind: ``'classifier'``, ``'mae'`` or ``'backbone'``.
        state: Weights under the names of mmpretrain.
        model: Config that builds the model they fit.
        input_size: (height, width) in pixels.
        classes, mean, std: None where unknown; the latter in 0-255, of RGB unless the preprocessor
            of the model says otherwise.
        margin: Of a classifier, how much larger than a detected face its crops were; None where
            unknown.
        training: As from `training_summary`.
        source: ``file``, ``sha256`` and ``layout`` of what it was read from.
    """
    kind: str
    state: Dict[str, Tensor]
    model: dict
    input_size: Optional[Tuple[int, int]] = None
    classes: Optional[Tuple[str, ...]] = None
    mean: RGB = None
    std: RGB = None
    margin: Optional[float] = None
    training: dict = field(default_factory=dict)
    source: dict = field(default_factory=dict)

    def meta(self) -> dict:
        """All but the weights, JSON-able, for anybody to read; ``dataset_meta`` is where mmpretrain
        looks for names."""
        known = dict(kind=self.kind, classes=self.classes, mean=self.mean, std=self.std,
                     input_size=self.input_size, margin=self.margin)
        known = {key: list(value) if isinstance(value, tuple) else value
                 for key, value in known.items() if value is not None}
        if self.classes:
            known['dataset_meta'] = dict(classes=list(self.classes))
        return dict(format=FORMAT, **known, model=published_model(self.model),
                    training=self.training, source=self.source)


def describe(path: Union[str, Path], options: Optional[Options] = None) -> Described:
    """Read a file of weights, whoever wrote it, and account for every weight in it.

    Args:
        path: ``.pth`` or ``.safetensors``: see `ssfer_mm.checkpoints.LAYOUTS`.
        options: What the user adds.

    Raises:
        UserError: the file is unsafe, damaged or of no known kind; weights are missing, unknown or
            of another shape; or the options do not fit it.
    """
    path, options = Path(path).expanduser(), options or Options()
    checkpoint = load_checkpoint_safely(path)
    meta = checkpoint.get('meta') if isinstance(checkpoint.get('meta'), dict) else {}
    try:
        raw = weights_in(checkpoint, options.key)
        state = in_mmpretrain_names(raw)
        cfg = _config(path, meta, options)
        model = _model(cfg, meta) or infer_model(state, options.num_heads)
        if not options.config:
            check_types(model)
        check_fit(state, model)
        # Heads without weights: the backbones of AlexNet, VGG and InceptionV3 score the classes.
        scores = model.get('type') == 'ImageClassifier' and model.get('head')
        result = Described('classifier' if scores else kind_of(state), state, model, source=dict(
            file=path.name, sha256=sha256_of(path), layout=layout_of(raw)))
        _set_size(result, cfg, meta, options)
        _set_classes(result, meta, options)
        _set_normalization(result, meta, options)
        _set_margin(result, meta, options)
        result.training = training_summary(path, meta, cfg)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error
    except Exception as error:  # a description that is no such thing fails in any component
        if options.config:
            raise
        raise UserError(f'{path}: the description of the model inside the file cannot be used '
                        f'({type(error).__name__}: {one_line(error, 200)}); name its config with '
                        '--config') from error
    return result


def _config(path: Path, meta: dict, options: Options) -> Optional[dict]:
    """The training config: named, inside the checkpoint, or beside an exported classifier."""
    if options.config:
        return load_config(options.config).to_dict()
    if isinstance(meta.get('cfg'), str):
        return read_config_text(meta['cfg'], str(path))
    beside = path.with_name('classifier.py')
    if 'stage' in meta and beside.is_file():
        return read_config_text(beside.read_text(encoding='utf-8', errors='replace'), str(beside))
    return None


def _model(cfg: Optional[dict], meta: dict) -> Optional[dict]:
    """Config of the model alone, with its preprocessor where one is known."""
    if cfg is None:
        return deepcopy(meta['model']) if meta.get('format') == FORMAT else None
    if not isinstance(cfg.get('model'), dict):
        raise UserError('the config has no model; name a training config with --config')
    if cfg['model'].get('type') == 'SSFER':
        return classifier_config(Config(cfg))
    model = deepcopy(cfg['model'])
    if model.get('type') == 'ImageClassifier' and cfg.get('data_preprocessor'):
        model.setdefault('data_preprocessor',
                         dict(dict(type='ClsDataPreprocessor'), **cfg['data_preprocessor']))
    return model


def _set_size(result: Described, cfg: Optional[dict], meta: dict, options: Options) -> None:
    if options.img_size:
        if is_vit(result.state):
            result.state = resize_vit(result.state, result.model, options.img_size)
        result.input_size = (options.img_size, options.img_size)
        return
    if meta.get('format') == FORMAT and meta.get('input_size'):
        result.input_size = tuple(meta['input_size'])
        return
    size = result.model['backbone'].get('img_size') or _size_of_pipeline(cfg or {})
    if size:
        result.input_size = (size, size) if isinstance(size, int) else tuple(size)[:2]


def _size_of_pipeline(cfg: dict) -> Optional[Tuple[int, int]]:
    """(height, width) that the test pipeline resizes to."""
    pipeline = ((cfg.get('test_dataloader') or {}).get('dataset') or {}).get('pipeline') or []
    for step in pipeline:
        if step.get('type') in ('TrackedResize', 'Resize') and step.get('scale'):
            scale = step['scale']
            return (scale, scale) if isinstance(scale, int) else (scale[1], scale[0])
    return None


def _set_classes(result: Described, meta: dict, options: Options) -> None:
    if result.kind != 'classifier':
        return
    if options.dataset and options.dataset not in CLASSES_OF:
        raise UserError(f'--dataset {options.dataset}: expected one of {", ".join(CLASSES_OF)}')
    found = (meta.get('dataset_meta') or {}).get('classes')
    names = options.classes or CLASSES_OF.get(options.dataset) or found
    result.classes = tuple(names) if names else None
    outputs = result.model['head'].get('num_classes')
    if result.classes and outputs and len(result.classes) != outputs:
        origin = f'--dataset {options.dataset}' if options.dataset else 'the list'
        raise UserError(f'{origin} has {len(result.classes)} classes, but the head has {outputs} '
                        'outputs; name the data set, or the classes, that it was trained on')


def _set_normalization(result: Described, meta: dict, options: Options) -> None:
    known = result.model.get('data_preprocessor') or {}
    default = (SSFER_MEAN, SSFER_STD) if options.dataset else (None, None)
    for name, given, fallback in (('mean', options.mean, default[0]),
                                  ('std', options.std, default[1])):
        value = given or known.get(name) or meta.get(name) or fallback
        setattr(result, name, tuple(float(v) for v in value) if value else None)
    if result.kind == 'classifier' and result.mean and result.std:
        result.model['data_preprocessor'] = dict(
            type='ClsDataPreprocessor', mean=list(result.mean), std=list(result.std),
            # What mmpretrain takes a file's own to mean; the user's are of RGB.
            to_rgb=known.get('to_rgb', not known.get('mean')),
            num_classes=result.model['head'].get('num_classes'))


def _set_margin(result: Described, meta: dict, options: Options) -> None:
    if result.kind == 'classifier':
        result.margin = options.margin if options.margin is not None else meta.get('margin')
        square_around((0, 0, 1, 1), result.margin or 0)  # refuses one out of range
