"""``--cfg-options`` and its like: settings of a config on the command line."""
import argparse
import copy
from typing import Optional

from ssfer_mm.command_line.option_values import read_option
from ssfer_mm.errors import UserError


class Settings(argparse.Action):
    """``KEY=VALUE ...``, each value as :func:`read_option` understands it."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        from ssfer_mm.compat import check_environment

        check_environment()  # mmengine reads the values
        options = copy.copy(getattr(namespace, self.dest, None) or {})
        for setting in values:
            key, given, value = setting.partition('=')
            if not given:
                parser.error(f'{option_string} {setting}: expected KEY=VALUE; a value with blanks '
                             f'goes into quotes, as in "KEY=two words"')
            try:
                options[key] = read_option(value)
            except UserError as error:
                parser.error(f'{option_string} {key}: {error}')
        setattr(namespace, self.dest, options)


def add_settings(parser: argparse.ArgumentParser,
                 what: str = 'change settings of the config, e.g. randomness.seed=1',
                 option: str = '--cfg-options', default: Optional[dict] = None) -> None:
    """Give a parser an option whose values change settings.

    Args:
        parser: Gets it.
        what: Of what, for ``--help``.
        option: Its name.
        default: Where it is not given.
    """
    parser.add_argument(option, nargs='+', action=Settings, default=default, metavar='KEY=VALUE',
                        help=what)
