"""``ssfer doctor``: what is installed, whether it works, and how to repair it.

Whatever may be broken is tried in another process, so that not even a crash ends the examination.
"""
import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from ssfer_mm.command_line.opencv import opencv_repair
from ssfer_mm.command_line.packages import GRADIO, is_installed
from ssfer_mm.compat import (
    FAMILIES,
    find_problem,
    install_command,
    installed_family,
    installed_versions,
)
from ssfer_mm.model_files.model_names import ENDINGS, HOW_TO_GET_ONE, known_models
from ssfer_mm.version import __version__

from .doctor_trials import (
    DETECTOR,
    MMCV,
    MMPRETRAIN,
    ONNX_MODELS,
    ONNXRUNTIME,
    PACKAGE,
    RECOGNIZER,
    TORCH,
    TORCHVISION,
)

PATIENCE = 300  # seconds for all trials of one process
DONE = 'ssfer doctor: this one is done'
PYTHON = (3, 10), (3, 13)
WEIGHTS = Path(__file__).resolve().parents[1] / 'faces' / 'weights' / 'face_detector.safetensors'


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
    sound = True
    for module, package in (('numpy', 'numpy'), ('cv2', 'opencv-python')):
        check = _module(module, package)
        sound = sound and not check.repair
        yield check
    family = _family()
    yield family
    if sound:  # else all that stands on these two would be blamed as well
        if not family.repair:
            yield from _torch_stack()
        yield from _onnx(installed_family(installed_versions()))
    yield _optional('safetensors', 'to read .safetensors files')
    yield _optional('gradio', 'for ssfer demo', GRADIO)
    yield _models()


def _python() -> Check:
    version = platform.python_version()
    fits = PYTHON[0] <= sys.version_info[:2] < PYTHON[1]
    return Check('Python', f'{version}, {sys.executable}', '' if fits else
                 'create an environment with Python 3.10, 3.11 or 3.12 and install there')


def _module(module: str, package: str) -> Check:
    (found, problem), = attempt([f'import {module}; print({module}.__version__)'])
    repair = (opencv_repair(problem) if module == 'cv2' else
              f'pip install --force-reinstall {package}')
    return Check(package, found or problem, '' if found else repair)


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


def _torch_stack() -> Iterator[Check]:
    """Whether the installed packages work, each only if what it stands on does."""
    versions = installed_versions()
    family = installed_family(versions)
    pair = 'pip install --force-reinstall torch torchvision'
    steps = [('torch', TORCH, pair), ('torchvision', TORCHVISION, pair),
             ('mmcv', MMCV, _reinstall(family, 'mmcv', versions)),
             ('mmpretrain', MMPRETRAIN, _reinstall(family, 'mmpretrain', versions)),
             ('ssfer_mm as a whole', PACKAGE, install_command(family))]
    missing = _missing_for_detector(family, versions)
    if not missing:
        steps.append(('embedded face detector', DETECTOR, _reinstall(family, 'mmdet', versions)))
    steps.append(('recognizer', RECOGNIZER, _package_again(family)))
    for (name, _, repair), (found, problem) in zip(steps, attempt([code for _, code, _ in steps])):
        yield Check(name, found or problem, '' if found else repair)
        if not found:
            return
    yield from missing


def _missing_for_detector(family: str, versions: Dict[str, str]) -> List[Check]:
    name = 'embedded face detector'
    mmdet = next(iter(FAMILIES[family]['mmdet']))
    if mmdet not in versions:
        return [Check(name, f'needs {mmdet}', install_command(family), needed=False)]
    if not WEIGHTS.is_file():
        return [Check(name, f'no weights at {WEIGHTS}', _package_again(family))]
    return []


def _onnx(family: str) -> Iterator[Check]:
    """onnxruntime, and whether the models of the package run on it."""
    check = _optional('onnxruntime', 'for --backend onnx')
    if check.repair and not is_installed('onnxruntime'):
        yield check
        return
    # The module comes under several names, such as onnxruntime-gpu, which overwrite each other.
    names = importlib.metadata.packages_distributions().get('onnxruntime', ['onnxruntime'])
    steps = [('onnxruntime', ONNXRUNTIME, f'pip install --force-reinstall {names[0]}'),
             ('exported models of the package', ONNX_MODELS, _package_again(family))]
    for (name, _, repair), (found, problem) in zip(steps, attempt([code for _, code, _ in steps])):
        yield Check(name, found or problem, '' if found else repair)


def _package_again(family: str) -> str:
    """The command that writes this package's own files anew."""
    return f'{install_command(family)} --force-reinstall --no-deps'


def _reinstall(family: str, package: str, versions: Dict[str, str]) -> str:
    name = next((name for name in FAMILIES[family][package] if name in versions), package)
    return f'pip install --force-reinstall --no-deps {name}=={versions.get(name, "")}'.rstrip('=')


def _optional(package: str, purpose: str, wanted: str = '') -> Check:
    """A package that only some commands need; ``wanted`` is what to install, with its versions."""
    repair = f'pip install "{wanted}"' if wanted else f'pip install {package}'
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Check(package, f'not installed ({purpose})', repair, needed=False)
    # Of such a range the first digits decide.
    fits = not wanted or f'{package}>={version.partition(".")[0]},' in wanted
    return Check(package, version if fits else f'{version} is of no use ({purpose})',
                 '' if fits else repair, needed=False)


def _models() -> Check:
    """Those that can be used with what is installed."""
    endings = ENDINGS['onnx'] if not is_installed('torch') else sum(ENDINGS.values(), ())
    names = list(dict.fromkeys(model.name for model in known_models()
                               if model.path.suffix in endings))
    text = f'{", ".join(names[:5])}{" ..." if len(names) > 5 else ""}'
    return Check('models', text or 'none found', '' if names else HOW_TO_GET_ONE, needed=False)


def attempt(codes: Sequence[str]) -> Iterator[Tuple[str, str]]:
    """Run pieces of Python code one after the other, in a process of their own.

    Yields:
        Of each, (last line of what it printed, '') or, if it failed, ('', what it died of); after
        that one no more. An end of the process that fails counts as the last one's failure.
    """
    with tempfile.TemporaryFile('w+') as errors:
        process = subprocess.Popen([sys.executable, '-c', _in_turn(codes)], text=True,
                                   stdout=subprocess.PIPE, stderr=errors)
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        try:
            done: List[str] = []
            said = ''
            for line in process.stdout:
                if line.strip() != DONE:
                    said = line.strip() or said
                    continue
                done.append(said or 'works')
                said = ''
                if len(done) < len(codes):  # what the last one imported may yet crash at the end
                    yield done[-1], ''
            if process.wait() == 0 and len(done) == len(codes):
                yield done[-1], ''
                return
            errors.seek(0)
            reason = _reason(process.returncode, alarm.finished.is_set(), errors.read())
            yield '', reason if len(done) < len(codes) else f'works, but when Python ends: {reason}'
        finally:
            alarm.cancel()
            process.kill()
            process.wait()


def _reason(status: int, too_long: bool, errors: str) -> str:
    """What a process died of, in a line."""
    if too_long:
        return f'no answer within {PATIENCE} s'
    if status < 0:
        return f'crashes (signal {-status})'
    lines = errors.strip().splitlines()
    return (lines[-1] if lines else f'ends with status {status}')[:300]


def _in_turn(codes: Sequence[str]) -> str:
    """One program of several, run where ``ssfer_mm`` is the one that is being examined."""
    root = str(Path(__file__).resolve().parents[2])
    return (f'import sys; sys.path.insert(0, {root!r})\nfor code in {list(codes)!r}:\n'
            f'    exec(code, {{}})\n    print("\\n" + {DONE!r}, flush=True)\n')
