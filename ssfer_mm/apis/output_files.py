"""Where a tool is to write: found out before its work is done, not after."""
import os
from pathlib import Path
from typing import Optional

from ssfer_mm.errors import UserError


def check_output(option: str, path: Optional[str]) -> None:
    """Refuse a file that could not be written in the end.

    Args:
        option: Such as ``'--out'``, for the message.
        path: What it names; None if it was not given.

    Raises:
        UserError: It is a folder, lies below a file, or its folder may not be written to.
    """
    if not path:
        return
    target = Path(path)
    if target.is_dir():
        raise UserError(f'{option} {path} is a folder: name the file in it')
    folder = next(parent for parent in Path(os.path.abspath(path)).parents if parent.exists())
    if not folder.is_dir():
        raise UserError(f'{option} {path}: {folder} is a file and no folder: choose another place')
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f'{option} {path}: nothing may be written in {folder}: choose another '
                        'place, or change its permissions')
