"""Imports point down: no part of the package needs one that needs it, at once or by a detour."""
import ast
import graphlib
from pathlib import Path

import pytest

import ssfer_mm

PACKAGE = Path(ssfer_mm.__file__).parent


def imported_by(file: Path) -> set:
    """Full names that a file imports from the package, inside functions as well."""
    package = ['ssfer_mm', *file.relative_to(PACKAGE).parts[:-1]]
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[:len(package) - node.level + 1] if node.level else []
            home = '.'.join([*above, *([node.module] if node.module else [])])
            names |= {f'{home}.{alias.name}' for alias in node.names}
    return {name for name in names if name.startswith('ssfer_mm.')}


def order_of(folder: Path) -> list:
    """Folders and single files right below one, each after all that it needs of the others."""
    above = ['ssfer_mm', *folder.relative_to(PACKAGE).parts]
    needs = {}
    for file in sorted(folder.glob('*/**/*.py')) + sorted(folder.glob('*.py')):
        part = file.relative_to(folder).parts[0].removesuffix('.py')
        if part != '__init__':
            modules = [name.split('.') for name in imported_by(file)]
            parts = {module[len(above)] for module in modules if module[:len(above)] == above}
            needs.setdefault(part, set()).update(parts - {part})
    return list(graphlib.TopologicalSorter(needs).static_order())  # or CycleError


def test_no_circles():
    order = order_of(PACKAGE)
    assert order.index('errors') < order.index('models') < order.index('engine')
    assert order.index('engine') < order.index('inference') < order.index('apis')
    # A semi-supervised set makes its views, so transforms lie below datasets, not above.
    assert order.index('faces') < order.index('transforms') < order.index('datasets')


@pytest.mark.parametrize('part', ['models', 'engine', 'transforms', 'faces'])
def test_whatever_trains_does_not_know_the_datasets(part):
    for file in (PACKAGE / part).glob('**/*.py'):
        known = {name.split('.')[1] for name in imported_by(file)}
        assert 'datasets' not in known, file


def test_no_circles_among_the_tools():
    order = order_of(PACKAGE / 'apis')
    assert order.index('output_files') < order.index('dataset') < order.index('faces')
    assert order.index('dataset') < order.index('training') < order.index('trials')
