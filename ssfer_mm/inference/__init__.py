"""Predicting: faces and their expressions in photos, videos and camera pictures.

Nothing here but ``torch_backend`` and ``explain`` needs torch or OpenMMLab, and ``ssfer doctor``
not even numpy: so names are imported when they are asked for.
"""
import importlib
from typing import Any

_HOMES = {'FERInferencer': 'inferencer', 'FaceResult': 'results', 'FrameSource': 'video_source',
          'ImageResult': 'results', 'Video': 'sources', 'Webcam': 'sources',
          'predict_video': 'video'}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'.{_HOMES[name]}', __name__), name)
