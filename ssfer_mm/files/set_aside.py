"""Room for a new folder where an old one is, which is kept."""
from os import PathLike
from pathlib import Path
from typing import Union

from ssfer_mm.errors import UserError


def set_aside(folder: Union[str, PathLike]) -> Path:
    """Rename ``run`` to ``run.old1``, or the first such name that is free; gives the new name.

    Raises:
        UserError: It cannot be renamed.
    """
    folder = Path(folder)
    if Path.cwd().is_relative_to(folder.resolve()):
        raise UserError(f'{folder} cannot be set aside, because this command was started there; '
                        'start it elsewhere')
    number = 1
    while (target := folder.with_name(f'{folder.name}.old{number}')).exists():
        number += 1
    try:
        folder.rename(target)
    except OSError as error:
        raise UserError(f'{folder} cannot be set aside ({error.strerror}); rename or remove '
                        'it') from error
    return target
