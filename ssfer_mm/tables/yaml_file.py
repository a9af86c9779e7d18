"""The content of a table file, on top of the one that it names as its ``_base_``."""
from pathlib import Path
from typing import Any, Mapping, Tuple

import yaml

from ssfer_mm.config import find_config
from ssfer_mm.errors import UserError, one_line

from .fields import merge_options

EXPECTED = 'expected entries such as config, fractions, seeds and rows'


def read_table_file(path: str, above: Tuple[str, ...] = ()) -> dict:
    """The file's content; ``_base_`` names another one that it changes.

    Args:
        path: The file.
        above: Those that have it as their base, outermost first.

    Raises:
        UserError: It cannot be read, is not YAML, or is its own base.
    """
    data = _load(path)
    if '_base_' not in data:
        return data
    base = data.pop('_base_')
    if not isinstance(base, str) or not base:
        raise UserError(f'{path}: _base_ is {base!r}; expected the name of one other table file, '
                        'such as ferplus.yaml')
    base, above = str(Path(path).parent / base), (*above, path)
    if Path(base).resolve() in [Path(one).resolve() for one in above]:
        raise UserError(f'{path}: _base_ is {base}, which starts from this file itself; name '
                        'another file there, or remove the line')
    content = read_table_file(base, above)
    # What names the results must not be taken over: two tables would share their cells.
    content.pop('name', None), content.pop('work_dir', None)
    return _merge(content, data, base)


def _load(path: str) -> dict:
    try:
        data = yaml.load(find_config(path).read_text(encoding='utf-8'), Loader=_NoRepetition)
    except (OSError, UserError) as error:
        raise UserError(f'table {path} cannot be read; name a file such as '
                        'configs/tables/ferplus.yaml') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f'table {path} is not YAML: {one_line(error)}') from error
    if data is None:
        raise UserError(f'table {path} is empty; {EXPECTED}')
    if not isinstance(data, dict):
        raise UserError(f'table {path} holds {data!r:.60}; {EXPECTED}')
    return data


class _NoRepetition(yaml.SafeLoader):
    """Of two rows with one name YAML would keep the second, without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """As its base class, which also adds what ``<<`` names: those keys may come twice."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != 'tag:yaml.org,2002:merge':
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f'{key.value} is there twice; rename or remove one',
                        key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _merge(base: Mapping, changes: Mapping, base_path: str) -> dict:
    """Entries of ``changes`` over those of ``base``.

    A row or stage I that is null is left out; ``_delete_: true`` among them leaves out all of
    ``base``.
    """
    merged = dict(base)
    for key, value in changes.items():
        if key in ('rows', 'stage1') and isinstance(value, dict):
            kept = {} if value.get('_delete_') else _entries(base, key, base_path)
            entries = {**kept, **{k: v for k, v in value.items() if k != '_delete_'}}
            merged[key] = {name: entry for name, entry in entries.items() if entry is not None}
        elif key in ('options', 'dev') and isinstance(value, dict):
            merged[key] = merge_options(_entries(base, key, base_path), value)
        else:
            merged[key] = value
    return merged


def _entries(base: Mapping, key: str, path: str) -> Mapping[Any, Any]:
    found = base.get(key, {})
    if not isinstance(found, dict):
        raise UserError(f'{path}: {key} is {found!r}; expected entries, each as key: value')
    return found
