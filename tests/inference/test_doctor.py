"""What ``ssfer doctor`` says of installations that work and that do not."""
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ssfer_mm.command_line.packages import load_package
from ssfer_mm.inference import doctor

ROOT = Path(__file__).resolve().parents[2]
WHOLE = {'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6', 'onedl-mmpretrain': '1.3.6',
         'onedl-mmdetection': '3.5.1', 'torch': '2.15.0', 'torchvision': '0.29.2'}
LITE = {'mmengine-lite': '0.10.7', 'mmcv-lite': '2.1.0', 'mmpretrain': '1.2.0', 'mmdet': '3.3.0',
        'torch': '2.15.0', 'torchvision': '0.29.2'}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Set what is installed, and which trials fail with what."""
    weights = tmp_path / 'weights'
    weights.write_bytes(b'')

    def configure(versions=WHOLE, weights=weights, **failing):
        codes = {getattr(doctor, name): error for name, error in failing.items()}
        monkeypatch.setattr(doctor, 'installed_versions', lambda: dict(versions))
        monkeypatch.setattr(doctor, 'WEIGHTS', weights)
        def attempt(trials):
            for code in trials:
                yield ('', codes[code]) if code in codes else ('fine', '')

        monkeypatch.setattr(doctor, 'attempt', attempt)

    return configure


def test_all_is_well(machine, capsys):
    machine()
    assert doctor.examine() == 0
    said = capsys.readouterr().out
    assert 'Everything that is needed works' in said and 'BROKEN' not in said
    assert all(name in said for name in ('mmcv', 'torchvision', 'embedded face detector'))


@pytest.mark.parametrize('versions, failing, words', [
    ({**WHOLE, 'mmcv': '2.1.0'}, {}, 'pip uninstall -y onedl-mmengine'),
    ({**WHOLE, 'torch': '2.5.0'}, {}, 'onedl]'),
    (WHOLE, dict(TORCHVISION='operator torchvision::nms does not exist'),
     'pip install --force-reinstall torch torchvision'),
    (WHOLE, dict(MMCV='crashes (signal 11)'),
     'pip install --force-reinstall --no-deps onedl-mmcv==2.3.6'),
    (WHOLE, dict(MMPRETRAIN='ImportError: x'),
     'pip install --force-reinstall --no-deps onedl-mmpretrain==1.3.6'),
    (WHOLE, dict(PACKAGE='ImportError: x'), 'onedl]'),
    (WHOLE, dict(DETECTOR='KeyError'),
     'pip install --force-reinstall --no-deps onedl-mmdetection==3.5.1'),
    (WHOLE, dict(RECOGNIZER='UserError: ferplus.safetensors is damaged'),
     'onedl]" --force-reinstall --no-deps'),
    (WHOLE, dict(ONNXRUNTIME='ImportError: x'), 'pip install --force-reinstall onnxruntime'),
    (WHOLE, dict(ONNX_MODELS='UserError: ferplus.onnx is damaged'),
     'onedl]" --force-reinstall --no-deps'),
    (LITE, dict(MMCV='ImportError: x'),
     'pip install --force-reinstall --no-deps mmcv-lite==2.1.0'),
    (LITE, dict(PACKAGE='ImportError: x'), 'openmmlab]'),
], ids=['two families', 'old torch', 'unmatched pair', 'mmcv', 'mmpretrain', 'package', 'detector',
        'recognizer', 'onnxruntime', 'exported models', 'mmcv-lite', 'package with mmengine-lite'])
def test_the_repair_is_named_and_the_status_is_1(machine, capsys, versions, failing, words):
    machine(versions, **failing)
    assert doctor.examine() == 1
    said = capsys.readouterr().out
    assert words in said.partition('First do this:')[2]
    assert all(error in said for error in failing.values())


@pytest.mark.parametrize('module, problem, repair', [
    ('numpy', 'ImportError: x', 'pip install --force-reinstall numpy'),
    ('cv2', 'ImportError: x', 'pip install --force-reinstall opencv-python'),
    ('cv2', 'ImportError: libGL.so.1: cannot open shared object file: No such file or directory',
     'apt-get update && apt-get install -y libgl1 libglib2.0-0 '),
], ids=['numpy', 'opencv', 'a library of the system'])
def test_what_stands_on_a_broken_base_is_not_blamed(machine, monkeypatch, capsys, module, problem,
                                                    repair):
    machine()
    monkeypatch.setattr(doctor, 'attempt', lambda codes: [
        ('', problem) if f'import {module};' in codes[0] else ('fine', '')] * len(codes))
    assert doctor.examine() == 1
    said = capsys.readouterr().out
    assert '\n1 of ' in said and f'First do this:\n  {repair}' in said
    assert 'mmcv:' not in said and 'exported models' not in said


@pytest.mark.parametrize('version, fits', [
    ((3, 9, 18), False), ((3, 10, 0), True), ((3, 12, 7), True), ((3, 13, 0), False)])
def test_the_python_is_one_for_which_there_are_packages(monkeypatch, version, fits):
    monkeypatch.setattr(doctor, 'sys', SimpleNamespace(version_info=version, executable='python'))
    check = next(check for check in doctor.all_checks() if check.name == 'Python')
    assert bool(check.repair) == (not fits) and check.needed


@pytest.mark.parametrize('module', [True, False])
def test_onnxruntime_is_there_under_any_name(machine, monkeypatch, capsys, module):
    def version(name):
        if name == 'onnxruntime':
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return '1.0'

    metadata = doctor.importlib.metadata
    monkeypatch.setattr(metadata, 'version', version)
    monkeypatch.setattr(metadata, 'packages_distributions',
                        lambda: dict(onnxruntime=['onnxruntime-gpu']) if module else {})
    monkeypatch.setattr(doctor, 'is_installed', lambda name: module)
    machine(ONNXRUNTIME='ImportError: x')
    assert doctor.examine() == module
    said = capsys.readouterr().out
    assert ('BROKEN   onnxruntime: ImportError: x' in said) == module
    wanted = '--force-reinstall onnxruntime-gpu' if module else 'onnxruntime'
    assert f'-> pip install {wanted}\n' in said


def test_a_machine_that_only_predicts_is_in_order(machine, monkeypatch, capsys):
    machine({})
    monkeypatch.setattr(doctor.importlib.util, 'find_spec', lambda name: name == 'onnxruntime')
    assert doctor.examine() == 0
    said = capsys.readouterr().out
    assert '--backend onnx' in said and 'models: ferplus' in said, 'those that it can use'
    monkeypatch.setattr(doctor.importlib.util, 'find_spec', lambda name: None)
    assert doctor.examine() == 1


def test_a_detector_without_weights(machine, tmp_path, capsys):
    machine(weights=tmp_path / 'none')
    assert doctor.examine() == 1 and 'no weights at' in capsys.readouterr().out
    # mmdet is not needed where boxes come from a file.
    machine({name: version for name, version in WHOLE.items() if 'mmdet' not in name})
    assert doctor.examine() == 0


def test_another_gradio_is_named_with_its_repair(machine, monkeypatch, capsys):
    machine()
    monkeypatch.setattr(doctor.importlib.metadata, 'version', lambda name: '5.9.1')
    assert doctor.examine() == 0, 'only the demo needs it'
    said = capsys.readouterr().out
    assert 'missing  gradio: 5.9.1 is of no use (for ssfer demo)' in said
    assert '-> pip install "gradio>=6,<7"' in said


def test_trials_run_in_processes_of_their_own():
    assert list(doctor.attempt(['print("a"); print("b")', 'a = 1', 'print("c", end="")'])) == [
        ('b', ''), ('works', ''), ('c', '')]
    good, bad = doctor.attempt(['print("good")', 'import nonsense', 'print("never")'])
    assert good == ('good', '') and bad[0] == '' and bad[1].startswith('ModuleNotFoundError')
    assert list(doctor.attempt(['import os; os.kill(os.getpid(), 9)'])) == [
        ('', 'crashes (signal 9)')]


@pytest.mark.parametrize('end, reason', [
    ('os._exit, 3', 'ends with status 3'), ('os.abort', 'crashes (signal 6)')])
def test_what_works_and_then_crashes_at_the_end_has_one_answer(end, reason):
    crash = f'import atexit, os; atexit.register({end}); print("1.0")'
    failure = '', f'works, but when Python ends: {reason}'
    assert list(doctor.attempt([crash])) == [failure]
    assert list(doctor.attempt([crash, 'print("2.0")'])) == [('1.0', ''), failure]


def test_what_ends_python_before_its_time_does_not_work():
    assert list(doctor.attempt(['import os; os._exit(0)'])) == [('', 'ends with status 0')]


def test_a_package_that_crashes_at_the_end_is_repaired(tmp_path, monkeypatch):
    (tmp_path / 'crashy.py').write_text(
        "import atexit, os\n__version__ = '1.0'\natexit.register(os.abort)\n")
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    check = doctor._module('crashy', 'crashy-package')
    assert 'crashes (signal 6)' in check.found
    assert check.repair == 'pip install --force-reinstall crashy-package'


def test_a_trial_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(doctor, 'PATIENCE', 0.5)
    assert list(doctor.attempt(['import time; time.sleep(60)'])) == [
        ('', 'no answer within 0.5 s')]


def test_works_where_nothing_is_installed(tmp_path):
    """``-S -I``: Python without any site-packages."""
    code = (f'import sys; sys.path.insert(0, {str(ROOT)!r}); import ssfer_cli; '
            'sys.exit(ssfer_cli.main(["doctor"]))')
    done = subprocess.run([sys.executable, '-S', '-I', '-c', code], capture_output=True, text=True,
                          timeout=300, cwd=tmp_path)
    assert done.returncode == 1 and not done.stderr
    assert 'missing: onedl-mmengine' in done.stdout and 'First do this' in done.stdout


def test_the_empty_packages_are_filled_where_torch_is_wanted():
    code = (f'import sys; sys.path.insert(0, {str(ROOT)!r}); import ssfer_cli; '
            'ssfer_cli.prepare_packages(); import ssfer_mm.command_line.packages as p; '
            'assert "torch" not in sys.modules; p.load_package(); p.load_package(); '
            'import ssfer_mm, ssfer_mm.faces; print(ssfer_mm.models.SSFER.__name__, '
            'ssfer_mm.faces.FaceRecord.__name__)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ['SSFER', 'FaceRecord'], done.stderr
    load_package()  # nothing to do in a program that imported it as usual
