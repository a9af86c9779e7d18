"""All that the package knows about the versions of what it stands on.

Two families of distributions provide the same import names (``mmengine``, ``mmcv``,
``mmpretrain``, ``mmdet``): the maintained ``onedl-*`` and the original OpenMMLab ones. Installing
one over the other overwrites files, so exactly one of them may be present.

Nothing here is imported from torch or OpenMMLab at module level: this file has to be able to say
that they are missing.
"""
import contextlib
import importlib.metadata
import logging
import re
import sys
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

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


def installed_family(found: Dict[str, str]) -> str:
    """The family whose mmengine is there, under whichever name; ``'onedl'`` if none is.

    Args:
        found: As from `installed_versions`.
    """
    return next((family for family, packages in FAMILIES.items()
                 if any(name in found for name in packages['mmengine'])), 'onedl')


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
    with quiet_imports(), without_mmdet():
        import mmpretrain.datasets  # noqa: F401
        import mmpretrain.models  # noqa: F401
    from ssfer_mm.safe_loading import enable_safe_loading

    enable_safe_loading()


# ------------------------------------------------------------------- noise of third-party imports

# How each message begins. They report an optional feature that this package never uses, or, the
# last one, an old spelling in mmdet that works.
HARMLESS_MESSAGES = (
    'Could not import OneDL',
    'Line NMS is not compiled. Most likely when installing the package cuda was not available.',
    'Fail to import ``MultiScaleDeformableAttention`` from ``mmcv.ops.multi_scale_deform_attn``',
    'faster_coco_eval is not installed, metrics will not be computed.',
    '`torch.cuda.amp.autocast(args...)` is deprecated.',
)


def _is_noise(message: object) -> bool:
    return str(message).startswith(HARMLESS_MESSAGES)


@contextlib.contextmanager
def without_mmdet() -> Iterator[None]:
    """Let mmpretrain do without mmdet, as it does where mmdet is not installed.

    It would import all of it, a quarter of the whole start-up, for one layer of mmdet's models.
    Our detectors import mmdet themselves when they are used.

    Example:
        >>> with without_mmdet():
        ...     import mmpretrain.models
    """
    if 'mmdet' in sys.modules:
        yield
        return
    sys.modules['mmdet'] = None  # makes "import mmdet" an ImportError
    try:
        yield
    finally:
        del sys.modules['mmdet']


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
