"""Read the text of a dumped config without running it.

A training checkpoint carries its config as Python text, and an exported classifier has one beside
it. mmengine would execute both. A dump holds nothing but literals and ``dict(...)``, so reading
the syntax tree is enough, and a checkpoint from a stranger stays harmless.
"""
import ast
from typing import Any, Dict, Iterator, Tuple

from ssfer_mm.errors import UserError


def read_config_text(text: str, where: str) -> Dict[str, Any]:
    """The settings in the text of a config.

    Args:
        text: Assignments of literals and ``dict(...)`` calls.
        where: What to call the text in an error.

    Raises:
        UserError: the text is not Python, or holds anything that would have to be run.

    Example:
        >>> read_config_text('model = dict(type="MAE", sizes=[-1, 2.5])', 'here')
        {'model': {'type': 'MAE', 'sizes': [-1, 2.5]}}
    """
    try:
        return {name: _value(value, where) for name, value in _assignments(text, where)}
    except SyntaxError as error:
        raise UserError(f'the config in {where} is not Python ({error.msg}, line {error.lineno}); '
                        'name the config file with --config') from error
    except UserError:
        raise
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        # A null byte, a list as a key, or more brackets inside each other than Python reads.
        raise UserError(f'the config in {where} is damaged ({type(error).__name__}: {error}); '
                        'name the config file with --config') from error


def _assignments(text: str, where: str) -> Iterator[Tuple[str, ast.expr]]:
    for statement in ast.parse(text).body:
        if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)):
            _refuse(statement, where)
        yield statement.targets[0].id, statement.value


def _value(node: ast.expr, where: str) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == 'dict' and not node.args and all(k.arg for k in node.keywords):
            return {keyword.arg: _value(keyword.value, where) for keyword in node.keywords}
        if node.func.id == 'float' and len(node.args) == 1 and not node.keywords:
            return float(_value(node.args[0], where))  # float('inf')
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(key, where): _value(value, where)
                for key, value in zip(node.keys, node.values)}
    for kind, build in ((ast.List, list), (ast.Tuple, tuple), (ast.Set, set)):
        if isinstance(node, kind):
            return build(_value(element, where) for element in node.elts)
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _refuse(node, where)


def _refuse(node: ast.AST, where: str) -> Any:
    raise UserError(f'the config in {where} holds {ast.unparse(node)[:60]!r}, which would have to '
                    'be run; expected plain values. Name a config file that you trust with '
                    '--config.')
