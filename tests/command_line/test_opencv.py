"""An OpenCV that cannot be loaded, as in slim images of Docker, is one line with its repair."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ssfer_cli
from ssfer_mm.command_line.opencv import opencv_problem, opencv_repair

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = 'libGL.so.1: cannot open shared object file: No such file or directory'


@pytest.fixture
def broken(tmp_path):
    """A folder with an OpenCV as it is there, and a tool that needs it."""
    (tmp_path / 'cv2.py').write_text(f'raise ImportError({LIBRARY!r})')
    (tmp_path / 'some_tool.py').write_text('import cv2')
    return tmp_path


@pytest.mark.parametrize('problem, repair', [
    (LIBRARY, 'apt-get update && apt-get install -y libgl1 libglib2.0-0 (or'),
    (f'ImportError: {LIBRARY.replace("libGL.so.1", "libgthread-2.0.so.0")}', 'apt-get update'),
    ('DLL load failed while importing cv2', 'pip install --force-reinstall opencv-python'),
    ('numpy.core.multiarray failed to import', 'pip install --force-reinstall opencv-python')])
def test_a_library_of_the_system_is_not_reinstalled_by_pip(problem, repair):
    assert opencv_repair(problem).startswith(repair)


def test_predict_says_it(broken):
    done = subprocess.run([sys.executable, ROOT / 'ssfer_cli.py', 'predict', 'a.jpg'],
                          env={**os.environ, 'PYTHONPATH': str(broken)}, text=True,
                          capture_output=True, timeout=100)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f'error: OpenCV cannot be loaded ({LIBRARY}); run: apt-get ')


def test_a_tool_says_it(broken, monkeypatch, capsys):
    monkeypatch.syspath_prepend(broken)
    monkeypatch.delitem(sys.modules, 'cv2')
    assert ssfer_cli.start('some_tool:main') == 2
    error, = capsys.readouterr().err.splitlines()
    assert error.startswith(f'error: OpenCV cannot be loaded ({LIBRARY}); run: apt-get ')
    (broken / 'some_tool.py').write_text('raise ImportError("cannot import name x")')
    with pytest.raises(ImportError, match='name x'):
        ssfer_cli.start('some_tool:main')


@pytest.mark.parametrize('error, words', [
    (ModuleNotFoundError('x', name='cv2'), 'cv2 is not installed; run: pip install opencv-python'),
    (ImportError('DLL load failed', name='cv2'),
     'OpenCV cannot be loaded (DLL load failed); run: pip install --force-reinstall opencv-python'),
    (ModuleNotFoundError('x', name='numpy'), None), (ImportError('cannot import name x'), None),
    (OSError(LIBRARY), None)])
def test_only_what_is_of_opencv(error, words):
    assert opencv_problem(error) == words
