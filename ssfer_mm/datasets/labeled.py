"""The labeled dataset of a config, built for its images and labels alone."""
import inspect
import re

from mmpretrain.registry import DATASETS

from ssfer_mm.errors import UserError

from .base import FERDataset

# Names that splits record, where they differ from the dataset's type.
ALIASES = {'AffectNet7': dict(type='AffectNet', num_classes=7),
            'AffectNet8': dict(type='AffectNet', num_classes=8)}


def build_labeled(cfg: dict, root_option: str = 'data_root') -> FERDataset:
    """Build a labeled dataset without pipeline and boxes.

    Args:
        cfg: Its config.
        root_option: What the user sets its folder with, where that is an option.

    Raises:
        UserError: Its type is not a FERDataset, or its arguments do not fit.
    """
    own = {name: cls for name, cls in DATASETS.module_dict.items()
           if isinstance(cls, type) and issubclass(cls, FERDataset)}
    cfg = {**cfg, **ALIASES.get(cfg.get('type'), {})}
    cls = own.get(cfg.get('type'))
    if cls is None:
        raise UserError(f'Unknown dataset {cfg.get("type")!r}; '
                        f'use one of: {", ".join(sorted([*own, *ALIASES]))}.')
    if 'data_root' in inspect.signature(cls).parameters:
        cfg.setdefault('data_root', None)
    unused = ('type', 'pipeline', 'boxes', 'lazy_init')
    try:
        return cls(**{key: value for key, value in cfg.items() if key not in unused})
    except UserError as error:
        told = re.sub(r'\bdata_root (?=to |at )', f'{root_option} ', str(error))
        raise UserError(told) from error
    except TypeError as error:
        raise UserError(f'{cfg["type"]} cannot be built from its config: {error}.') from error
