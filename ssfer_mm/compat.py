"""All that the package knows about the versions of what it stands on.

Two families of distributions provide the same import names (``mmengine``, ``mmcv``,
``mmpretrain``, ``mmdet``): the maintained ``onedl-*`` and the original OpenMMLab ones. Installing
one over the other overwrites files, so exactly one of them may be present.

Nothing here is imported from torch or OpenMMLab at module level: this file has to be able to say
that they are missing.
"""
import contextlib
import importlib.machinery
import importlib.metadata
import importlib.util
import logging
import pickle
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Union

from ssfer_mm.errors import UserError

# import name -> {distribution: version range}; several distributions are alternatives.
FAMILIES: Dict[str, Dict[str, Dict[str, str]]] = {
    'onedl': {
        'mmengine': {'onedl-mmengine': '>=0.10.12,<0.11'},
        'mmcv': {'onedl-mmcv': '>=2.3.6,<2.4'},
        'mmpretrain': {'onedl-mmpretrain': '>=1.3.6,<1.4'},
        'mmdet': {'onedl-mmdetection': '>=3.5.1,<3.6'},
    },
    'openmmlab': {
        'mmengine': {'mmengine': '>=0.10.7,<0.11', 'mmengine-lite': '>=0.10.7,<0.11'},
        'mmcv': {'mmcv-lite': '>=2.1.0,<2.2', 'mmcv': '>=2.1.0,<2.2', 'mmcv-full': '>=2.1.0,<2.2'},
        'mmpretrain': {'mmpretrain': '>=1.2.0,<1.3'},
        'mmdet': {'mmdet': '>=3.3.0,<3.4'},
    },
}
# 2.6 is the first torch whose weights-only loading can be told which extra types are safe.
TORCH: Dict[str, str] = {'torch': '>=2.6', 'torchvision': '>=0.21'}
OPTIONAL = ('mmdet',)  # only detectors need it; training with a box file does not


class EnvironmentProblem(UserError, ImportError):
    """The installed packages cannot work together; the message names the command that helps."""


# ------------------------------------------------------------------- which packages are installed


def installed_versions() -> Dict[str, str]:
    """Versions of every distribution named in this file, without importing any of them.

    Returns:
        distribution name -> version, for those that are installed.
    """
    names = [dist for family in FAMILIES.values() for dists in family.values() for dist in dists]
    found = {}
    for name in names + list(TORCH):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            version = importlib.metadata.version(name)
            if version:  # an aborted uninstall leaves metadata without a version
                found[name] = version
    return found


def install_command(family: str = 'onedl') -> str:
    """The pip command that installs a dependency family for this copy of the package."""
    try:
        importlib.metadata.version('ssfer-mm')
    except importlib.metadata.PackageNotFoundError:
        root = Path(__file__).resolve().parent.parent
        if (root / 'setup.py').is_file():
            return f'pip install -e "{root}[{family}]"'
    return f'pip install "ssfer-mm[{family}]"'


def find_problem(found: Dict[str, str]) -> Optional[str]:
    """Explain in one line why these distributions cannot be used together.

    Args:
        found: distribution name -> version, as from `installed_versions`.

    Returns:
        What was found, what was expected and the command to type; None when all is well.

    Example:
        >>> find_problem({})[:54]
        'No OpenMMLab packages and torch found (missing: onedl-'
    """
    present = {
        family: [dist for dists in packages.values() for dist in dists if dist in found]
        for family, packages in FAMILIES.items()
    }
    if all(present.values()):
        dists = present['onedl'] + present['openmmlab']
        versions = ', '.join(f'{dist} {found[dist]}' for dist in dists)
        return (f'Two families of OpenMMLab packages found that overwrite each other ({versions}); '
                f'expected one. Run: pip uninstall -y {" ".join(dists)} && {install_command()}')
    family = 'openmmlab' if present['openmmlab'] else 'onedl'
    missing = [
        ' or '.join(dists) for package, dists in FAMILIES[family].items()
        if package not in OPTIONAL and not any(dist in found for dist in dists)
    ] + [name for name in TORCH if name not in found]
    if missing:
        amount = 'Only some' if present[family] else 'No'
        return (f'{amount} OpenMMLab packages and torch found (missing: {", ".join(missing)}). '
                f'Run: {install_command(family)}')
    return _wrong_versions(family, found)


def _wrong_versions(family: str, found: Dict[str, str]) -> Optional[str]:
    from packaging.specifiers import SpecifierSet

    ranges = dict(TORCH)
    for dists in FAMILIES[family].values():
        ranges.update(dists)
    wrong = [
        f'{name} {found[name]} (expected {wanted})' for name, wanted in ranges.items()
        if name in found and not SpecifierSet(wanted).contains(found[name], prereleases=True)
    ]
    return f'Found {", ".join(wrong)}. Run: {install_command(family)}' if wrong else None


def check_environment() -> None:
    """Make sure that exactly one dependency family is installed, in versions that work.

    Raises:
        EnvironmentProblem: missing, mixed or unsuitable packages (an `ImportError` as well).
    """
    problem = find_problem(installed_versions())
    if problem:
        raise EnvironmentProblem(problem)


def prepare_environment() -> None:
    """Everything that must happen before the rest of the package is imported.

    Checks the installed packages, imports mmpretrain without its harmless noise, and makes
    mmengine load checkpoints safely. Calling it again changes nothing.

    Raises:
        EnvironmentProblem: as `check_environment`.
    """
    check_environment()
    with quiet_imports():
        import mmpretrain.datasets  # noqa: F401
        import mmpretrain.models  # noqa: F401
    enable_safe_loading()


# ------------------------------------------------------------------- noise of third-party imports

# How each message begins. All of them report an optional feature that this package never uses.
HARMLESS_MESSAGES = (
    'Could not import OneDL',
    'Line NMS is not compiled. Most likely when installing the package cuda was not available.',
    'Fail to import ``MultiScaleDeformableAttention`` from ``mmcv.ops.multi_scale_deform_attn``',
    'faster_coco_eval is not installed, metrics will not be computed.',
)


def _is_noise(message: object) -> bool:
    return str(message).startswith(HARMLESS_MESSAGES)


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Drop `HARMLESS_MESSAGES`, and nothing else, while OpenMMLab packages are imported.

    Example:
        >>> with quiet_imports():
        ...     import mmpretrain
    """
    import mmengine.logging as mm_logging

    original = mm_logging.print_log

    def print_log(msg: object, *args: Any, **kwargs: Any) -> None:
        if not _is_noise(msg):
            original(msg, *args, **kwargs)

    def keep(record: logging.LogRecord) -> bool:
        return not _is_noise(record.getMessage())

    logger = mm_logging.MMLogger.get_current_instance()
    logger.addFilter(keep)
    mm_logging.print_log = print_log
    try:
        with warnings.catch_warnings():
            for message in HARMLESS_MESSAGES:
                warnings.filterwarnings('ignore', message=re.escape(message))
            yield
    finally:
        mm_logging.print_log = original
        logger.removeFilter(keep)


# --------------------------------------------------------------------------- checkpoints, safely


def _log_statistic(owner: type, name: str) -> Callable:
    """The only `getattr` an mmengine checkpoint may make: a statistic of its log buffers."""
    from mmengine.logging import HistoryBuffer

    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(owner, name)
    raise pickle.UnpicklingError(f'Unsupported: GLOBAL builtins.getattr({owner!r}, {name!r})')


def safe_types() -> List[Any]:
    """What mmengine checkpoints hold besides tensors and plain values; none of it can run code.

    Returns:
        Entries for `torch.serialization.add_safe_globals`. Numpy's two module layouts (before and
        since 2.0) are both listed, so that a checkpoint may travel between them.
    """
    import argparse

    import numpy as np
    from mmengine.logging import HistoryBuffer

    multiarray = importlib.import_module(
        'numpy._core.multiarray' if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else
        'numpy.core.multiarray')
    entries = [HistoryBuffer, np.ndarray, np.dtype, (_log_statistic, 'builtins.getattr'),
               argparse.Namespace]  # the official MAE checkpoints keep their arguments
    for layout in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        entries += [(multiarray._reconstruct, f'{layout}._reconstruct'),
                    (multiarray.scalar, f'{layout}.scalar')]
    numeric = np.typecodes['AllInteger'] + np.typecodes['Float'] + '?U'
    return entries + sorted({type(np.dtype(code)) for code in numeric}, key=str)


def load_checkpoint_safely(path: Union[str, Path], map_location: Any = 'cpu') -> Dict[str, Any]:
    """Read a checkpoint file without letting it run code.

    Args:
        path: A file written by mmengine or `torch.save`.
        map_location: As in `torch.load`.

    Returns:
        The checkpoint dict.

    Raises:
        UserError: the file is missing, damaged, not a dict, or holds anything but weights,
            numbers and logs.
    """
    import torch

    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f'Checkpoint {path} not found; expected a .pth file. Check the path.')
    try:
        with torch.serialization.safe_globals(safe_types()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file fails in a dozen ways, all meaning the same
        unsafe = re.search(r'GLOBAL ([\w.]+)', str(error))
        if isinstance(error, pickle.UnpicklingError) and unsafe:
            raise UserError(
                f'Checkpoint {path} holds {unsafe[1]}, which could run code; expected only '
                'weights, numbers and logs. If you trust it, load it where it was made and save '
                'its state_dict alone.') from error
        if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError, PermissionError)):
            raise
        raise UserError(f'Checkpoint {path} is damaged or no checkpoint ({path.stat().st_size} '
                        'bytes); expected a complete .pth file. Copy or train it again.') from error
    if not isinstance(checkpoint, dict):
        raise UserError(f'Checkpoint {path} holds a {type(checkpoint).__name__}; expected a dict '
                        'of weights. Save model.state_dict() instead.')
    return checkpoint


def enable_safe_loading() -> None:
    """Make mmengine read every local or downloaded checkpoint through the safe loader.

    mmengine 0.10.7 with torch >= 2.6 cannot read its own checkpoints (so it cannot resume), and
    its maintained fork falls back to unsafe unpickling. mmengine lets the reader of a kind of
    path be replaced, which covers `resume`, `load_from` and `init_cfg` at once.
    """
    import torch
    from mmengine.runner import CheckpointLoader

    def load_from_local(filename: str, map_location: Any = None) -> Dict[str, Any]:
        return load_checkpoint_safely(filename, map_location)

    def load_from_http(filename: str, map_location: Any = None,
                       model_dir: Optional[str] = None) -> Dict[str, Any]:
        from mmengine.dist import barrier, is_main_process

        folder = Path(model_dir or Path(torch.hub.get_dir()) / 'checkpoints')
        target = folder / filename.split('?')[0].rsplit('/', 1)[-1]
        if is_main_process() and not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(filename, str(target))
        barrier()
        return load_checkpoint_safely(target, map_location)

    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=['http://', 'https://'], loader=load_from_http, force=True)


# ---------------------------------------------------------------------- mmdet without a compiler


class _MMCVStandIn(types.ModuleType):
    """A module in which every name is an operator; calling one explains what is missing."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing_operator(*args: Any, **kwargs: Any) -> None:
            raise UserError(f'mmcv was installed without its compiled operator {name!r}; this '
                            'detector needs it. Use RTMDet or YOLOX, or install a compiled mmcv.')

        return missing_operator


def _nms(boxes: Any, scores: Any, iou_threshold: float, offset: int = 0) -> Any:
    """mmcv's operator: (N, 4) xyxy boxes -> indices, best first; offset 1 = inclusive x2, y2."""
    from torchvision.ops import nms

    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return nms(boxes, scores, iou_threshold)


def install_mmcv_stand_in() -> bool:
    """Let mmdet's plain detectors run although mmcv has no compiled operators.

    Of these, RTMDet and YOLOX use only `nms`, which torchvision has. A compiled mmcv always wins.

    Returns:
        Whether the stand-in is in use.
    """
    name = 'mmcv._ext'
    if name in sys.modules:
        return isinstance(sys.modules[name], _MMCVStandIn)
    if importlib.util.find_spec(name) is not None:
        return False
    module = _MMCVStandIn(name, 'Stands in for the compiled operators of mmcv.')
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
    module.nms = _nms
    sys.modules[name] = module
    return True
