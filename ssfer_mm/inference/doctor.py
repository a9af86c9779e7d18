"""``ssfer doctor``: what is installed, whether it works, and how to repair it.

Whatever may be broken is tried in a process of its own, so that not even a crash ends the
examination.
"""
import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from ssfer_mm.compat import FAMILIES, find_problem, install_command, installed_versions
from ssfer_mm.version import __version__

from .model_names import HOW_TO_GET_ONE, known_models

PATIENCE = 300  # seconds for one trial
PYTHON = (3, 10), (3, 13)
WEIGHTS = Path(__file__).resolve().parents[1] / 'faces' / 'weights' / 'face_detector.safetensors'

TORCH = '''
import torch
gpu = ', '.join(torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count()))
print(torch.__version__, '| GPU:', gpu or 'none usable, the CPU is used',
      '| threads:', torch.get_num_threads())
'''
TORCHVISION = '''
import torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.ones(1), 0.5)
print(torchvision.__version__)
'''
MMCV = '''
from ssfer_mm.compat import quiet_imports
with quiet_imports():
    import mmcv, importlib.util
compiled = importlib.util.find_spec('mmcv._ext') is not None
if compiled:
    import mmcv._ext
print(mmcv.__version__, '| compiled ops:', 'yes' if compiled else
      'no (not needed: torchvision does their work)')
'''
PACKAGE = 'import ssfer_mm; print("imports, all components registered")'
DETECTOR = '''
import numpy as np
from ssfer_mm.faces.detectors import build_detector
detector = build_detector('embedded')
detector.detect([np.zeros((64, 64, 3), np.uint8)])
print('finds faces,', detector.describe()['weights'])
'''


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: What was looked at.
        found: What was found.
        repair: The command that helps; ``''`` if all is well.
        needed: Whether something is broken without it; else it is merely missing.
    """
    name: str
    found: str
    repair: str = ''
    needed: bool = True


def examine() -> int:
    """Print the report.

    Returns:
        Exit status: 0 if everything that is needed works, else 1.
    """
    checks = []
    for check in all_checks():
        checks.append(check)
        sign = 'ok     ' if not check.repair else 'BROKEN ' if check.needed else 'missing'
        print(f'{sign}  {check.name}: {check.found}', flush=True)
        if check.repair:
            print(f'         -> {check.repair}', flush=True)
    broken = [check for check in checks if check.repair and check.needed]
    if not broken:
        print('\nEverything that is needed works.')
        return 0
    print(f'\n{len(broken)} of {len(checks)} checks failed. First do this:\n  {broken[0].repair}\n'
          'then run "ssfer doctor" again.')
    return 1


def all_checks():
    """Yield each :class:`Check`, in the order in which repairs should be made."""
    yield Check('ssfer_mm', f'{__version__} in {Path(__file__).resolve().parents[1]}')
    yield _python()
    for module, package in (('numpy', 'numpy'), ('cv2', 'opencv-python')):
        yield _module(module, package)
    family = _family()
    yield family
    if not family.repair:
        yield from _torch_stack()
    yield _optional('onnxruntime', 'for --backend onnx')
    yield _optional('safetensors', 'to read .safetensors files')
    yield _models()


def _python() -> Check:
    version = platform.python_version()
    fits = PYTHON[0] <= sys.version_info[:2] < PYTHON[1]
    return Check('Python', f'{version}, {sys.executable}', '' if fits else
                 'create an environment with Python 3.10, 3.11 or 3.12 and install there')


def _module(module: str, package: str) -> Check:
    found, problem = attempt(f'import {module}; print({module}.__version__)')
    return Check(package, found or problem,
                 '' if found else f'pip install --force-reinstall {package}')


def _family() -> Check:
    versions = installed_versions()
    problem = find_problem(versions)
    text = ', '.join(f'{name} {version}' for name, version in versions.items()) or 'none'
    if problem is None:
        return Check('OpenMMLab packages and torch', text)
    repair = problem.rpartition('Run: ')[2] or install_command()
    found = problem.rpartition(' Run: ')[0] or text
    if not versions and importlib.util.find_spec('onnxruntime'):
        return Check('OpenMMLab packages and torch', f'{found} Without them exported models work '
                     '(--backend onnx), and nothing else.', repair, needed=False)
    return Check('OpenMMLab packages and torch', found, repair)


def _torch_stack() -> List[Check]:
    """Whether the installed packages work, each only if what it stands on does."""
    versions = installed_versions()
    family = 'openmmlab' if 'mmengine' in versions else 'onedl'
    pair = 'pip install --force-reinstall torch torchvision'
    steps = [('torch', TORCH, pair), ('torchvision', TORCHVISION, pair),
             ('mmcv', MMCV, _reinstall(family, 'mmcv', versions)),
             ('ssfer_mm as a whole', PACKAGE, install_command(family))]
    checks = []
    for name, code, repair in steps:
        found, problem = attempt(code)
        checks.append(Check(name, found or problem, '' if found else repair))
        if not found:
            return checks
    return checks + [_detector(family, versions)]


def _detector(family: str, versions: Dict[str, str]) -> Check:
    name = 'embedded face detector'
    mmdet = next(iter(FAMILIES[family]['mmdet']))
    if mmdet not in versions:
        return Check(name, f'needs {mmdet}', install_command(family), needed=False)
    if not WEIGHTS.is_file():
        return Check(name, f'no weights at {WEIGHTS}',
                     f'{install_command(family)} --force-reinstall --no-deps')
    found, problem = attempt(DETECTOR)
    return Check(name, found or problem, '' if found else _reinstall(family, 'mmdet', versions))


def _reinstall(family: str, package: str, versions: Dict[str, str]) -> str:
    name = next((name for name in FAMILIES[family][package] if name in versions), package)
    return f'pip install --force-reinstall --no-deps {name}=={versions.get(name, "")}'.rstrip('=')


def _optional(package: str, purpose: str) -> Check:
    try:
        return Check(package, importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return Check(package, f'not installed ({purpose})', f'pip install {package}',
                     needed=False)


def _models() -> Check:
    names = [model.name for model in known_models()]
    text = f'{", ".join(names[:5])}{" ..." if len(names) > 5 else ""}'
    return Check('models', text or 'none found', '' if names else HOW_TO_GET_ONE, needed=False)


def attempt(code: str) -> tuple:
    """Run Python code in a process of its own.

    Returns:
        (last line of what it printed, '') or, if it failed, ('', what it died of).
    """
    try:
        done = subprocess.run([sys.executable, '-c', _found_here(code)], capture_output=True,
                              text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return '', f'no answer within {PATIENCE} s'
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return lines[-1], ''
    errors = done.stderr.strip().splitlines()
    reason: Optional[str] = errors[-1] if errors else None
    if done.returncode < 0:
        reason = f'crashes (signal {-done.returncode})'
    return '', (reason or f'ends with status {done.returncode}')[:300]


def _found_here(code: str) -> str:
    """The code, run where ``ssfer_mm`` is the one that is being examined."""
    return f'import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n{code}'
