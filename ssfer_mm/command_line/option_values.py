"""Settings as text: what stands after ``KEY=`` on a command line."""
import re
from typing import Any

from ssfer_mm.errors import UserError

# A value, or one of a list, in quotes.
_QUOTED = re.compile(r"""(?<![^ ,(\[])(['"])((?:(?!\1).)*)\1(?![^ ,)\]])""")
_LIST = re.compile(r'\[.*\]|\(.*\)', re.DOTALL)
# Blanks inside a value of a list, not around it.
_BLANKS = re.compile(r'(?<=[^ ,(\[])( +)(?=[^ ,)\]])')
_DICT = re.compile(r"""\{\s*(['"]).*?\1\s*:|dict\(""")


def read_option(text: str) -> Any:
    """A value of the command line, the way mmengine reads it, except that text may hold blanks.

    mmengine deletes all blanks and takes what has a comma for a list, which paths do not survive.
    Here a value, or one of a list, keeps the blanks inside it and loses those around it; what is in
    quotes is text, whatever it holds; only ``'[...]'`` and ``'(...)'`` are lists in quotes too, as
    in mmengine's own examples.

    Example:
        >>> read_option('[0.5, a]'), read_option('[/my data, b]'), read_option("['a, b',c]")
        ([0.5, 'a'], ['/my data', 'b'], ['a, b', 'c'])

    Raises:
        UserError: Brackets without their other half, or around what is not a list; a dict; quotes
            around a part of a text that holds commas; a comma at the end, as in a config.
    """
    from mmengine.config import DictAction

    text = text.strip()
    whole = _QUOTED.fullmatch(text)
    if whole:
        text = whole[2]
        if not _LIST.fullmatch(text):
            return text
    if text.endswith(','):  # mmengine takes '5,' for [5], which most settings do not survive
        alone = text.rstrip(', ')
        raise UserError(f'{text} ends in a comma, which makes it a list: leave the comma out, or '
                        f'write [{alone}] if a list is meant')
    if ' ' in text and not (',' in text or _LIST.fullmatch(text) or _DICT.match(text)):
        return text
    quoted = []

    def hide(match: re.Match) -> str:
        quoted.append(match[2])
        return f'\0{len(quoted) - 1}\0'

    def show(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(show, value))
        if not isinstance(value, str):
            return value
        hidden = re.fullmatch('\0([0-9]+)\0', value)
        if hidden:
            return quoted[int(hidden[1])]
        if '\0' in value or _DICT.match(value):  # of a dict, or of a text partly in quotes
            raise ValueError(value)
        return value.replace('\1', ' ')

    try:
        kept = _BLANKS.sub(lambda match: '\1' * len(match[1]), _QUOTED.sub(hide, text))
        return show(DictAction._parse_iterable(kept))
    except (AssertionError, RecursionError, ValueError) as error:  # but for the last mmengine's
        raise UserError(f'{text} cannot be given on a command line: write lists as [a,b], '
                        'tuples as (a,b), text with brackets in quotes of its own, a setting of a '
                        'dict as KEY.NAME=VALUE or, in a list of dicts, KEY.0.NAME=VALUE; anything '
                        'else goes into the config file') from error


def option_text(value: Any) -> str:
    """What to write after ``KEY=`` on the command line; text is quoted only if it has to be.

    Raises:
        UserError: Text would have to be quoted and holds both kinds of quotes.

    Example:
        >>> option_text([0.5, 'a', None]), option_text('/my data')
        ('[0.5,a,None]', "'/my data'")
    """
    if isinstance(value, (list, tuple)):
        left, right = '()' if isinstance(value, tuple) else '[]'
        return f'{left}{",".join(map(option_text, value))}{right}'
    text = str(value)
    if not isinstance(value, str) or _reads_as_itself(text):
        return text
    quote = '"' if "'" in text else "'"
    if quote in text:
        raise UserError(f'{text} cannot be given on a command line, because it holds both kinds of '
                        'quotes: choose another name, such as one without blanks and commas')
    return f'{quote}{text}{quote}'


def _reads_as_itself(text: str) -> bool:
    try:
        return not re.search('[ ,]', text) and read_option(text) == text
    except UserError:
        return False
