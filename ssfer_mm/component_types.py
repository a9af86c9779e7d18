"""A description of a model that came with a file may only name what a model is made of.

mmengine builds ``dict(type='package.module.function', ...)`` by importing that name and calling it
with the rest of the dict. In a config that is a feature: a config is a program. In the description
inside a checkpoint it would let a stranger's file call ``os.system``.
"""
from typing import Any, Iterator, Optional

import mmengine.registry
import mmpretrain.registry
from mmengine.registry import Registry

from ssfer_mm.errors import UserError

# Where components come from that need nothing but their arguments: neither files, the network,
# nor code that lies beside downloaded weights.
PACKAGES = ('mmpretrain.', 'mmcv.', 'mmengine.', 'mmdet.', 'ssfer_mm.', 'torch.')
# Functions of mmcv that a detector's test_cfg names, and the convolutions of an arch for HorNet.
OPERATIONS = ('nms', 'soft_nms', 'DW', 'GF')
# Wrappers around other libraries' downloads.
OUTSIDERS = ('HuggingFace', 'TIMM')


def check_types(description: Any) -> None:
    """Refuse a description whose ``type`` entries are not all names of registered components.

    Args:
        description: Nested dicts and lists, of a model or a part of one.

    Raises:
        UserError: One names a function, a module, or a component of no known package.
    """
    for name in _types(description):
        if name in OPERATIONS:
            continue
        found = _registered(name) if isinstance(name, str) else None
        if found is None or not f'{found.__module__}.'.startswith(PACKAGES) \
                or found.__name__.startswith(OUTSIDERS):
            raise UserError(f'the description of the model inside the file asks for {name!r}, '
                            'which is not a component of a model and could run code; if you trust '
                            'the model, name its config with --config')


def _types(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if 'type' in value:
            yield value['type']
        for item in value.values():
            yield from _types(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _types(item)


def _registered(name: str) -> Optional[type]:
    """What any registry knows by this name, with or without the scope in front."""
    scope, _, bare = name.rpartition('.')
    for root in registries():
        for registry in (root, *root.children.values()):
            if scope in ('', registry.scope) and bare in registry.module_dict:
                return registry.module_dict[bare]
    return None


def registries() -> Iterator[Registry]:
    """All of mmengine's and mmpretrain's."""
    for module in (mmengine.registry, mmpretrain.registry):
        yield from (value for value in vars(module).values() if isinstance(value, Registry))
