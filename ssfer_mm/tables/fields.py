"""Entries of a YAML file, taken out one by one, so that none is overlooked."""
import difflib
from math import isfinite
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ssfer_mm.command_line.option_values import read_option
from ssfer_mm.errors import UserError

_REQUIRED = object()
KINDS = {dict: 'entries, each as key: value', list: 'a list, as [a, b]', str: 'a text'}


class FieldReader:
    """The entries of one mapping.

    Args:
        data: The mapping.
        where: What to call it in messages.

    Raises:
        UserError: It is not a mapping.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise UserError(f'{where} is {data!r}; expected entries, each as key: value')
        self._left, self._where = dict(data), where
        self._known: list = []

    def take(self, key: str, kind: type, default: Any = _REQUIRED) -> Any:
        """One entry, of this type.

        Raises:
            UserError: It is missing or of another type.
        """
        self._known.append(key)
        if key not in self._left:
            if default is _REQUIRED:
                raise UserError(f'{self._where} lacks the entry {key}')
            return default
        value = self._left.pop(key)
        if kind is str and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, kind):
            raise UserError(f'{self._where}: {key} is {value!r}; expected {KINDS[kind]}')
        return value

    def named(self, key: str) -> Dict[str, Any]:
        """A mapping whose keys are names, also of folders: none if the entry is missing.

        Raises:
            UserError: A key cannot name a folder; YAML reads ``no`` as false, 5 as a number.
        """
        entries = self.take(key, dict, {})
        for name in entries:
            check_name(name, f'{self._where}: {key} has')
        return entries

    def numbers(self, key: str, default: Optional[Sequence[float]] = None) -> Tuple[float, ...]:
        """A list of numbers without repetition."""
        values = self.take(key, list, _REQUIRED if default is None else list(default))
        if not values or not all(map(is_number, values)) or len(set(values)) < len(values):
            raise UserError(f'{self._where}: {key} is {values!r}; expected different numbers, '
                            'such as [5, 10, 25]')
        return tuple(values)

    def seeds(self, key: str) -> Tuple[int, ...]:
        """A list of whole numbers that start a random generator."""
        values = self.numbers(key)
        if not all(value == int(value) and 0 <= value < 2**32 for value in values):
            raise UserError(f'{self._where}: {key} is {list(values)!r}; expected whole numbers '
                            'from 0, such as [0, 1, 2]')
        return tuple(map(int, values))

    def options(self, key: str) -> Dict[str, Any]:
        """Settings by dotted key, as --cfg-options would understand them."""
        return read_options(self.take(key, dict, {}), f'{self._where}: {key}')

    def finish(self) -> None:
        """Refuse what was not taken.

        Raises:
            UserError: An entry is unknown; the message names the closest one.
        """
        if self._left:
            unknown = next(iter(self._left))
            close = difflib.get_close_matches(str(unknown), self._known, n=1)
            advice = f'; do you mean {close[0]}?' if close else f', only {", ".join(self._known)}'
            raise UserError(f'{self._where} knows no entry {unknown}{advice}')


def read_options(options: Any, where: str) -> Dict[str, Any]:
    """Settings by dotted key, as --cfg-options would understand them.

    Raises:
        UserError: It is not a mapping of settings.
    """
    if not isinstance(options, dict):
        raise UserError(f'{where} is {options!r}; expected settings by dotted key, such as '
                        '{model.ema_decay: 0.99}')
    for name, value in options.items():
        if isinstance(value, dict):
            raise UserError(f'{where} has {name}: {value!r}; write one line for each setting, such '
                            f'as {name}.{next(iter(value), "key")}: ...')
    return {str(name): _as_option(value, f'{where} has {name}') for name, value in options.items()}


def check_name(name: Any, where: str) -> None:
    """Refuse what cannot name a folder.

    Raises:
        UserError: It is not text, or one with a meaning of its own in paths.
    """
    if not isinstance(name, str):
        raise UserError(f'{where} the name {name!r}, which is not text to YAML; write it in '
                        'quotes, or take another one')
    if name in ('', '.', '..') or set(name) & set('/\\'):
        raise UserError(f'{where} the name {name!r}, which cannot name a folder; take another one, '
                        'without slashes')


def is_number(value: Any) -> bool:
    """Whether it is a finite number; true and false are none.

    Example:
        >>> is_number(5), is_number(True), is_number('5'), is_number(float('nan'))
        (True, False, False, False)
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _as_option(value: Any, where: str) -> Any:
    if _holds_entries(value):
        raise UserError(f'{where}: {value!r}; a list with entries of its own goes into a config '
                        'file. To change one that a config has, write one line for each setting, '
                        f'with its place in the list, such as {where.rsplit(" ")[-1]}.0.type: ...')
    try:
        return as_option(value)
    except UserError as error:
        raise UserError(f'{where}: {error}') from error


def _holds_entries(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(item, dict) or _holds_entries(item) for item in value)


def as_option(value: Any) -> Any:
    """A value of a YAML file as the command line would have it: 1e-4 is text to YAML.

    Example:
        >>> as_option(['1e-4', 'iou', None])
        [0.0001, 'iou', None]
    """
    return list(map(as_option, value)) if isinstance(value, list) else read_option(str(value))


def merge_options(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Dict[str, Any]:
    """Options with others on top; a setting replaces all that lies above or below it.

    Example:
        >>> merge_options({'a.b': None, 'c': 1}, {'a.b.d': 2})
        {'c': 1, 'a.b.d': 2}
    """
    return {**without(base, changes), **changes}


def without(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Dict[str, Any]:
    """Options but for those at, above or below a setting of the others.

    Example:
        >>> without({'a.b': None, 'c': 1}, {'a.b.d': 2})
        {'c': 1}
    """
    def clashes(key: str) -> bool:
        return any(f'{key}.'.startswith(f'{new}.') or f'{new}.'.startswith(f'{key}.')
                   for new in changes)

    return {key: value for key, value in base.items() if not clashes(key)}
