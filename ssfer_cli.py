"""The command ``ssfer``, which starts even where the installation is broken.

Importing ``ssfer_mm`` needs torch and OpenMMLab. ``ssfer doctor`` has to say that they are missing,
and ``ssfer predict --backend onnx`` does without them. So this file puts empty packages in place,
from which single modules can be imported; `ssfer_mm.command_line.packages` fills them where torch
is wanted. A module of its own, outside the package, because a package's ``__init__`` runs first.
"""
import importlib
import importlib.util
import sys
from typing import Optional, Sequence

EMPTY = ('ssfer_mm', 'ssfer_mm.faces')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0; 1 if something could not be read or is not in order; 2 for an error of the
        user's; 130 after Ctrl-C.
    """
    prepare_packages()
    return start('ssfer_mm.inference.console:main', arguments)


def start(command: str, *arguments: object) -> int:
    """Import what a command needs, and run it.

    The imports take seconds, on a busy machine a minute, in which Ctrl-C shall end the command
    with a sentence as it does later on.

    Args:
        command: ``module:function``, as in an entry point.
        arguments: What the function is called with.

    Returns:
        Its exit status, or 130 after Ctrl-C in the imports.
    """
    module, _, name = command.partition(':')
    try:
        function = getattr(importlib.import_module(module), name)
    except KeyboardInterrupt:
        print('\nInterrupted.', file=sys.stderr)
        return 130
    return function(*arguments)


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
