"""Where a tool is to write, found out before its work is done; and pictures, written."""
import os
from pathlib import Path
from typing import Optional, Union

import numpy as np
from PIL import Image

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


def check_picture(option: str, path: Optional[str]) -> None:
    """Refuse a picture that could not be written in the end.

    Args:
        option: Such as ``'--sheet'``, for the message.
        path: What it names; None if it was not given.

    Raises:
        UserError: As of :func:`check_output`, or the name's ending is that of no picture.
    """
    check_output(option, path)
    ending = Path(path or 'none.png').suffix
    if Image.registered_extensions().get(ending.lower()) not in Image.SAVE:
        raise UserError(f'{option} {path}: {ending or "no ending"} says no kind of picture: give a '
                        '.png or .jpg file')


def save_picture(path: str, picture: Union[Image.Image, np.ndarray]) -> None:
    """Write a picture, if an array uint8 (H, W, 3) RGB; missing folders are made.

    Raises:
        UserError: The file cannot be written, or its name does not say the format.
    """
    target = Path(path).expanduser()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(np.ascontiguousarray(picture))
        picture.save(target)
    except (OSError, ValueError) as error:
        raise UserError(f'cannot write {path} ({error}): give a writable .png or .jpg file'
                        ) from None
