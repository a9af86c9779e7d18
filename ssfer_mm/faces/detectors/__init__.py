"""Face detectors: one file each, all behind :class:`FaceDetector`."""
import inspect
from typing import Any, List, Mapping, Union

from mmpretrain.registry import TASK_UTILS

from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

from .base import FaceDetector, Faces
from .embedded import EmbeddedFaceDetector
from .fixed import FixedBoxDetector
from .mmdet import MMDetFaceDetector
from .yunet import YuNetFaceDetector

__all__ = [
    'EmbeddedFaceDetector', 'FaceDetector', 'Faces', 'FixedBoxDetector', 'MMDetFaceDetector',
    'YuNetFaceDetector', 'build_detector', 'detector_config'
]

CHOICES = "'embedded', 'fixed', 'yunet:FILE.onnx', or a .py file that holds detector = dict(...)"


def build_detector(cfg: Union[str, Mapping[str, Any], FaceDetector]) -> FaceDetector:
    """Make a face detector.

    Args:
        cfg: ``'embedded'``; ``'fixed'``; ``'yunet:FILE.onnx'``; a config dict with ``type``; or a
            config file that holds ``detector = dict(...)``, which may be one that ships with the
            package. A detector is returned as it is.

    Raises:
        UserError: There is no such detector, or a setting does not fit it.

    Example:
        >>> build_detector('fixed').name
        'fixed'
    """
    if isinstance(cfg, FaceDetector):
        return cfg
    settings = dict(detector_config(cfg) if isinstance(cfg, str) else cfg)
    kind = settings.pop('type', None)
    detector = TASK_UTILS.get(kind) if isinstance(kind, str) else kind
    if not (inspect.isclass(detector) and issubclass(detector, FaceDetector)):
        raise UserError(f'no face detector is called {kind!r}; use one of: {", ".join(_known())}')
    try:
        inspect.signature(detector).bind(**settings)
    except TypeError as error:
        raise UserError(f'{detector.__name__}: {error}; its settings are '
                        f'{", ".join(inspect.signature(detector).parameters)}') from error
    return detector(**settings)


def detector_config(name: str) -> Mapping[str, Any]:
    """The config dict that a short name or a file stands for."""
    if name == 'embedded':
        return dict(type='EmbeddedFaceDetector')
    if name == 'fixed':
        return dict(type='FixedBoxDetector')
    if name.startswith('yunet:') and len(name) > len('yunet:'):
        return dict(type='YuNetFaceDetector', model=name.removeprefix('yunet:'))
    if not name.endswith('.py'):
        raise UserError(f'no face detector is called {name!r}; use {CHOICES}')
    cfg = load_config(name).to_dict()
    if not isinstance(cfg.get('detector'), dict):
        advice = (f"; for an mmdet config write a file with detector = "
                  f"dict(type='MMDetFaceDetector', config='{name}', checkpoint='FILE.pth')"
                  if 'model' in cfg else '')
        raise UserError(f'{name} holds no detector = dict(type=...){advice}')
    return cfg['detector']


def _known() -> List[str]:
    return sorted(name for name, item in TASK_UTILS.module_dict.items()
                  if inspect.isclass(item) and issubclass(item, FaceDetector))
