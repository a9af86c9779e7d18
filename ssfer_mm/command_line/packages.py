"""Filling the empty packages that the tools begin with; see ``ssfer_cli.py``."""
import importlib.util
import sys

from ssfer_mm.compat import check_environment
from ssfer_mm.errors import UserError, one_line

GRADIO = 'gradio>=6,<7'  # as in the extra "demo" of setup.py


def is_installed(module: str) -> bool:
    """Whether a module can be found, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # something half removed
        return False


def fill_packages() -> None:
    """Import all of ``ssfer_mm``; nothing to do where that has happened.

    Raises:
        UserError: What it needs is missing, or of the wrong version.
    """
    waiting = [name for name in ('ssfer_mm.faces', 'ssfer_mm')
               if getattr(sys.modules.get(name), 'still_empty', False)]
    if waiting:
        check_environment()
    for name in waiting:
        module = sys.modules[name]
        module.__spec__.loader.exec_module(module)
        module.still_empty = False


def load_package() -> None:
    """The same, with the help that ``ssfer`` gives where it fails.

    Raises:
        UserError: What it needs is missing or does not work together.
    """
    try:
        fill_packages()
    except UserError as error:
        raise UserError(f'{error} ("ssfer doctor" checks the whole installation; --backend onnx '
                        'does without these packages)') from error
    except (ImportError, RuntimeError, OSError) as error:
        # torch and torchvision that do not match fail in each of these ways.
        raise UserError(f'the installation does not work ({one_line(error, 200)}); '
                        'run: ssfer doctor') from error
