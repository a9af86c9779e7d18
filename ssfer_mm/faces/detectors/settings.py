"""The config of a detector with what a command line says instead."""
import inspect
from typing import Optional, Sequence

from mmpretrain.registry import TASK_UTILS

from ssfer_mm.errors import UserError
from ssfer_mm.runtime.devices import check_device

from . import detector_config


def detector_settings(name: str, score_threshold: Optional[float] = None,
                      batch_size: Optional[int] = None, device: Optional[str] = None) -> dict:
    """The config of a detector, with what the command line says instead.

    Args:
        name: ``'embedded'``, ``'fixed'``, ``'yunet:FILE'`` or a config file.
        score_threshold: Faces with a lower score are dropped; None leaves the detector's own.
        batch_size: Images at a time; detectors that have no such setting take any number.
        device: Such as ``'cuda'``; None leaves the detector's own.

    Raises:
        UserError: There is no such detector or device, or the detector has no threshold or device
            to set.
    """
    if device is not None:
        check_device(device)
    settings = dict(detector_config(name))
    kind = settings.get('type')
    kind = TASK_UTILS.get(kind) if isinstance(kind, str) else kind
    known: Sequence[str] = ()
    if kind is not None:
        # A class brings its module along into other processes, which a name would not.
        settings['type'] = kind
        known = list(inspect.signature(kind).parameters)
    for key, value in (('score_threshold', score_threshold), ('device', device)):
        if value is None:
            continue
        if known and key not in known:
            raise UserError(f'the detector {name} has no {key}: leave '
                            f'--{key.replace("_", "-")} out')
        settings[key] = value
    if batch_size is not None and 'batch_size' in known:
        settings['batch_size'] = batch_size
    return settings
