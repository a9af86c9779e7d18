"""Imports point down: no part of the package needs one that needs it, at once or by a detour."""
import ast
import graphlib
from pathlib import Path

import ssfer_mm

PACKAGE = Path(ssfer_mm.__file__).parent


def part_of(module: str) -> str:
    """Folder or single file right below the package: what is one part of it."""
    return module.split('.')[1]


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


def test_no_circles():
    needs = {}
    for file in sorted(PACKAGE.glob('*/**/*.py')) + sorted(PACKAGE.glob('*.py')):
        part = file.relative_to(PACKAGE).parts[0].removesuffix('.py')
        if part != '__init__':
            needs.setdefault(part, set()).update(map(part_of, imported_by(file)))
    assert {'apis', 'inference', 'models', 'errors'} <= set(needs)
    assert 'models' in needs['engine'] and 'errors' in needs['apis']
    without_itself = {part: parts - {part} for part, parts in needs.items()}
    order = list(graphlib.TopologicalSorter(without_itself).static_order())  # or CycleError
    assert order.index('errors') < order.index('models') < order.index('apis')
