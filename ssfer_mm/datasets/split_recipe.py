"""The split that a config means: a file, or how to draw one."""
import os.path as osp
from collections.abc import Mapping, Sequence

import numpy as np

from ssfer_mm.errors import UserError

from .drawn_split import draw_split
from .splits import Split, check_split, load_split

_KEYS = ('file', 'fraction', 'per_class', 'seed')


def resolve_split(cfg: Split | str | Mapping, dataset_name: str, classes: Sequence[str],
                  ids: Sequence[str], labels: Sequence[int] | np.ndarray) -> Split:
    """Get the split that a config means, checked against the data.

    Args:
        cfg (Split | str | Mapping): A split, a split file, or ``dict(fraction or per_class,
            seed=0, file=None)``. If ``file`` exists it is loaded, and must agree with the other
            keys; if not, the split is drawn (and not written).
        dataset_name, classes, ids, labels: As for :func:`draw_split`.

    Raises:
        UserError: See :func:`load_split`, :func:`draw_split` and :func:`check_split`.
    """
    if isinstance(cfg, Mapping):
        split = _kept_split(cfg)
        if split is None:  # drawn from this very data, there is nothing to check
            wanted = {key: cfg[key] for key in _KEYS[1:] if key in cfg}
            return draw_split(dataset_name, classes, ids, labels, **wanted)
    elif isinstance(cfg, str):
        split = load_split(cfg)
    elif isinstance(cfg, Split):
        split = cfg
    else:
        raise UserError(f'The split is a {type(cfg).__name__}; expected a split file or '
                        'dict(fraction=0.05, seed=0), e.g. split=split.json.')
    check_split(split, dataset_name, classes, ids, labels)
    return split


def check_recipe(cfg: Mapping) -> None:
    """Refuse a recipe for a split with a key that no recipe has.

    Raises:
        UserError: It has others.
    """
    unknown = sorted(set(cfg) - set(_KEYS))
    if unknown:
        raise UserError(f'The split config has unknown keys {unknown}; use {", ".join(_KEYS)}.')


def _kept_split(cfg: Mapping) -> Split | None:
    """The split in the file that a recipe names, if that is there already."""
    check_recipe(cfg)
    file = cfg.get('file')
    if not file or len(cfg) > 1 and not osp.isfile(osp.expanduser(file)):
        return None
    split = load_split(file)
    for key in _KEYS[1:]:
        if key in cfg and getattr(split, key) != cfg[key]:
            raise UserError(f'{file!r} has {key}={getattr(split, key)}, the config asks for '
                            f'{key}={cfg[key]}; correct one of them.')
    return split
