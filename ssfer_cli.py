"""How the command ``ssfer`` and all of ``tools/`` start, even where the installation is broken.

Importing ``ssfer_mm`` needs torch and OpenMMLab, and seconds. ``ssfer doctor`` has to say that they
are missing, ``ssfer predict --backend onnx`` does without them, and so does ``--help``. So this
file puts empty packages in place, from which single modules can be imported;
`ssfer_mm.command_line.packages` fills them where torch is wanted. A module of its own, outside the
package, because a package's ``__init__`` runs first.
"""
import importlib
import importlib.util
import sys
import warnings
from typing import Callable, Optional, Sequence

EMPTY = ('ssfer_mm', 'ssfer_mm.faces')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0; 1 if something could not be read or is not in order; 2 for an error of the
        user's; 130 after Ctrl-C.
    """
    return start('ssfer_mm.inference.console:main', arguments=arguments)


def start(command: str, parser: Optional[str] = None,
          arguments: Optional[Sequence[str]] = None) -> int:
    """Import what a command needs, and run it: ``ssfer`` and all of ``tools/``.

    The imports take seconds, on a busy machine a minute. So a command line that does not need them
    is answered before, and in them Ctrl-C ends the command with a sentence, as it does later on.

    Args:
        command: ``module:function``, as in an entry point; the function is called with the
            arguments, and returns an exit status.
        parser: For a command that needs all of the package: which function of
            `ssfer_mm.command_line.parsers` gives the parser that answers ``--help`` and refuses a
            wrong command line first.
        arguments: Of the command line; None takes the program's.

    Returns:
        The command's exit status, 2 if packages are missing or broken, or 130 after Ctrl-C in the
        imports.
    """
    prepare_packages()
    warnings.filterwarnings('ignore', module=r'PIL\.')  # of photos that are read all the same
    try:
        if parser:
            _function(f'ssfer_mm.command_line.parsers:{parser}')().parse_args(arguments)
            function = _function_and_package(command)
        else:
            function = _function(command)
    except KeyboardInterrupt:
        from ssfer_mm.runtime.launched import this_place

        if this_place().is_first:
            print('\nInterrupted.', file=sys.stderr)
        return 130
    except ImportError as error:
        from ssfer_mm.command_line.opencv import opencv_problem

        known = type(error).__name__ == 'EnvironmentProblem'
        message = str(error) if known else opencv_problem(error)
        if message is None:
            raise
        print(f'error: {message}', file=sys.stderr)
        return 2
    return function(arguments)


def _function(place: str) -> Callable:
    module, _, name = place.partition(':')
    return getattr(importlib.import_module(module), name)


def _function_and_package(place: str) -> Callable:
    from ssfer_mm.command_line.packages import fill_packages
    from ssfer_mm.runtime.garbage import collector_rests

    with collector_rests():
        fill_packages()
        return _function(place)


def prepare_packages() -> None:
    """Make modules of the package importable without running its ``__init__``."""
    if 'ssfer_mm' in sys.modules:  # a program that has it does not need the trick
        return
    for name in EMPTY:
        spec = importlib.util.find_spec(name)
        module = importlib.util.module_from_spec(spec)
        module.still_empty = True
        sys.modules[name] = module
        parent, _, child = name.rpartition('.')
        if parent:
            setattr(sys.modules[parent], child, module)


if __name__ == '__main__':
    sys.exit(main())
