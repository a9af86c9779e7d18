"""The Makefile: which make it needs, and when it installs anew."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which('make') is None, reason='no make here')
# A Python that notes what it is to install, and where.
PYTHON = '''#!/bin/sh
case "$*" in
  "-m venv --without-pip --system-site-packages "*) touch "$5/refreshed" ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" &&
    echo 'include-system-site-packages = true' > "$3/pyvenv.cfg" ;;
  "-m pip install "*) pwd -P >> {log} ;;
esac
'''


def make(folder, *arguments):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ('MAKEFLAGS', 'MAKELEVEL', 'VENV', 'CONSTRAINTS')}
    return subprocess.run(['make', *arguments], cwd=folder, env=environment, text=True,
                          capture_output=True, timeout=30)


def test_an_environment_is_installed_once_and_again_where_the_checkout_is_moved_or_copied(tmp_path):
    """Its packages would be those of the folder of before."""
    log, python, tree = tmp_path / 'log', tmp_path / 'python', tmp_path / 'tree'
    python.write_text(PYTHON.format(log=log))
    python.chmod(0o755)
    tree.mkdir()
    for name in ('Makefile', 'setup.py', 'pyproject.toml'):
        shutil.copy2(ROOT / name, tree)
    copy, moved = tmp_path / 'copy', tmp_path / 'moved'
    for prepare, folder in ((lambda: None, tree), (lambda: shutil.copytree(tree, copy), copy),
                            (lambda: tree.rename(moved), moved)):
        prepare()
        refreshed = folder / '.venv' / 'refreshed'
        refreshed.unlink(missing_ok=True)
        for _ in range(2):
            done = make(folder, 'environment', f'PYTHON={python}')
            assert done.returncode == 0, done.stderr
        assert refreshed.exists() is (folder != tree), 'for source .venv/bin/activate'
    assert log.read_text().split() == [str(each.resolve()) for each in (tree, copy, moved)]


def test_the_make_of_macos_is_refused_in_a_sentence():
    """Version 3.81 knows no .ONESHELL: each line would be a script of its own."""
    done = make(ROOT, '.FEATURES=target-specific', 'help')
    assert done.returncode == 2 and 'brew install make, then gmake.' in done.stderr
    assert 'make demo' in make(ROOT, 'help').stdout
