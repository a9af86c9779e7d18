"""What a file that is given away says of the paths of the machine it was made on."""
import re
from pathlib import PurePosixPath, PureWindowsPath

# Settings of a model that name files: its own weights take their place.
WEIGHT_SETTINGS = ('init_cfg', 'pretrained')


def published_path(path: str) -> str:
    """A path as a model card or a file's metadata names it: user names and folders stay behind.

    Addresses, and paths within the folder that the work was done in, stay as they are; of any
    other path its last part stays.

    Example:
        >>> published_path('/home/anna/mae.pth'), published_path('work_dirs/mae/epoch_9.pth')
        ('mae.pth', 'work_dirs/mae/epoch_9.pth')
    """
    if '://' in path and not path.startswith('file:'):
        return path
    windows = PureWindowsPath(path)
    if '\\' in path or windows.drive:
        return windows.name
    private = path.startswith(('/', '~', 'file:')) or '..' in PurePosixPath(path).parts
    return PurePosixPath(path).name if private else path


def published_command(command: str) -> str:
    """A command as a model card names it: each of its paths as by :func:`published_path`.

    Example:
        >>> published_command('python tools/train.py x.py --work-dir=/home/anna/run')
        'python tools/train.py x.py --work-dir=run'
    """
    return re.sub(r'''[^\s='",()\[\]]+''', lambda word: published_path(word[0]), command)


def published_model(model: object) -> object:
    """A model's config without the files that its weights were once initialized from."""
    if isinstance(model, dict):
        return {key: published_model(value) for key, value in model.items()
                if not (key in WEIGHT_SETTINGS and _names_file(value))}
    if isinstance(model, (list, tuple)):
        return type(model)(published_model(value) for value in model)
    return model


def _names_file(value: object) -> bool:
    entries = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(entry, str) or isinstance(entry, dict) and 'checkpoint' in entry
               for entry in entries)
