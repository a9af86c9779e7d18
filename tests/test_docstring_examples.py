"""Every example in a docstring does what it says, in the repository's folder."""
import doctest
import importlib
import os
import pkgutil
from pathlib import Path

import pytest

import ssfer_mm
import ssfer_onnx

ROOT = Path(__file__).resolve().parent.parent


def with_examples() -> list[str]:
    """Names of the modules with examples, found without importing them."""
    found = []
    for package in (ssfer_mm, ssfer_onnx):
        for part in pkgutil.walk_packages(package.__path__, f'{package.__name__}.', _raise):
            place = Path(part.module_finder.path) / part.name.rpartition('.')[2]
            file = place / '__init__.py' if part.ispkg else place.with_suffix('.py')
            if '>>> ' in file.read_text(encoding='utf-8'):
                found.append(part.name)
    return found


def _raise(name: str) -> None:
    raise ImportError(f'{name} cannot be imported')


def test_there_are_examples():
    assert len(with_examples()) > 50


@pytest.mark.parametrize('name', with_examples())
def test_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    before = set(os.listdir(ROOT))
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed
    assert set(os.listdir(ROOT)) == before, 'an example leaves a file'
