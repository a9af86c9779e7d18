"""Semi-supervised facial expression recognition for OpenMMLab.

Importing this package registers its components in mmpretrain's registries; configs do so with
``custom_imports = dict(imports=['ssfer_mm'], allow_failed_imports=False)``.
"""
from .compat import prepare_environment

prepare_environment()

from . import datasets, engine, evaluation, models, transforms  # noqa: E402
from .errors import UserError  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    'UserError', '__version__', 'datasets', 'engine', 'evaluation', 'models', 'transforms'
]
