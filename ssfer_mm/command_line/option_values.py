"""Settings as text: what stands after ``KEY=`` on a command line."""
import re
from typing import Any

from ssfer_mm.errors import UserError

# A value, or one of a list, in quotes.
_QUOTED = re.compile(r"""(?<![^ ,(\[])(['"])((?:(?!\1).)*)\1(?![^ ,)\]])""")
_LIST = re.compile(r'\[.*\]|\(.*\)', re.DOTALL)


def read_option(text: str) -> Any:
    """A value of the command line, the way mmengine reads it, except that text may hold blanks.

    mmengine deletes all blanks and takes what has a comma for a list, which paths do not survive.
    Here a single value keeps the blanks inside it, and what is in quotes is text, whatever it
    holds; only ``'[...]'`` and ``'(...)'`` are lists in quotes too, as in mmengine's own examples.

    Example:
        >>> read_option('[0.5, a]'), read_option('/my data'), read_option("['a, b',c]")
        ([0.5, 'a'], '/my data', ['a, b', 'c'])

    Raises:
        UserError: Brackets without their other half, or around what is not a list.
    """
    from mmengine.config import DictAction

    text = text.strip()
    whole = _QUOTED.fullmatch(text)
    if whole:
        text = whole[2]
        if not _LIST.fullmatch(text):
            return text
    if ' ' in text and ',' not in text and not _LIST.fullmatch(text):
        return text
    quoted = []

    def hide(match: re.Match) -> str:
        quoted.append(match[2])
        return f'\0{len(quoted) - 1}\0'

    def show(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(show, value))
        hidden = isinstance(value, str) and value.startswith('\0')
        return quoted[int(value.strip('\0'))] if hidden else value

    try:
        return show(DictAction._parse_iterable(_QUOTED.sub(hide, text)))
    except (AssertionError, RecursionError) as error:  # mmengine's, of which the second never ends
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
    if not isinstance(value, str) or not re.search('[ ,]', text) and read_option(text) == text:
        return text
    quote = '"' if "'" in text else "'"
    if quote in text:
        raise UserError(f'{text} cannot be given on a command line, because it holds both kinds of '
                        'quotes: choose another name, such as one without blanks and commas')
    return f'{quote}{text}{quote}'
