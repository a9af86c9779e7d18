"""Read a config file, and say clearly what is wrong with it."""
import difflib
import inspect
import os
import traceback
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Union

from mmengine.config import Config
from mmengine.runner import Runner

from ssfer_mm.component_types import registries
from ssfer_mm.errors import UserError, one_line

PACKAGE = Path(__file__).resolve().parent

# Keys that Runner or the tools read although no signature lists them.
EXTRA_KEYS = ('auto_scale_lr', 'custom_imports', 'default_scope', 'runner_type', 'sync_bn')
# Keys that mmengine's builders take out before the component sees the others.
BUILDER_KEYS = {'optim_wrapper': ('constructor', 'paramwise_cfg')}
# What has settings, but no type.
WITHOUT_TYPE = ('split', )
# A variable of a config that is this much like a setting's name is taken for a misspelling of it.
# No variable in the 1,849 configs of this package, mmpretrain and mmdet comes closer than 0.867.
MISSPELLED = 0.87


def load_config(path: Union[str, Path], cfg_options: Optional[Dict[str, Any]] = None) -> Config:
    """Read a config and change single settings of it.

    Args:
        path: A config file. One that does not exist here but ships with the package, such as
            ``configs/ssfer/rafdb_5pct.py``, is found there.
        cfg_options: dotted key -> value, as from ``--cfg-options``.

    Returns:
        The config, with ``work_dir`` left as the file has it.

    Raises:
        UserError: no such file (with the closest names), an error in the file (with its line), a
            misspelled setting in it, or an option that names a setting which does not exist (with
            the closest one).

    Example:
        >>> cfg = load_config('configs/ssfer/rafdb_5pct.py', {'randomness.seed': 1})
    """
    file = find_config(path)
    try:
        cfg = Config.fromfile(str(file))
    except UserError:
        raise
    except Exception as error:
        raise UserError(f'Config {file} cannot be read: {_where(error, file)}. '
                        'Correct the config and start again.') from error
    _check_names(cfg, file)
    if cfg_options:
        apply_options(cfg, cfg_options, file)
    return cfg


def apply_options(cfg: Config, cfg_options: Dict[str, Any], file: Union[str, Path]) -> None:
    """Change single settings of a config in place.

    Args:
        cfg: The config.
        cfg_options: dotted key -> value.
        file: Where the config is from, for the messages.

    Raises:
        UserError: as `load_config`.
    """
    for key in cfg_options:
        _check_option(cfg, key, cfg_options)
    for key in cfg_options:
        _open_none(cfg, key, cfg_options)
        _check_number(cfg, key, cfg_options[key])
    try:
        cfg.merge_from_dict(cfg_options)
    except (TypeError, KeyError) as error:
        raise UserError(f'--cfg-options do not fit config {file} ({one_line(error)}): '
                        'look up the setting in the config') from error


def find_config(path: Union[str, Path]) -> Path:
    """The file meant by `path`: as given, or among the configs that ship with the package.

    Raises:
        UserError: there is none; the closest names are listed.
    """
    path = Path(path).expanduser()
    candidates = [path]
    if not path.is_absolute():
        candidates += [PACKAGE / '.mim' / path, PACKAGE.parent / path]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise UserError(f'Config {path} is a folder; expected one of the .py files in it.')
    closest = closest_configs(path)
    advice = f'Closest: {", ".join(closest)}.' if closest else 'Check the path.'
    raise UserError(f'Config {path} not found. {advice}')


def closest_configs(path: Path) -> List[str]:
    """Up to three names of existing configs that look like `path`, most similar first."""
    known = {}
    for folder in (Path('configs'), PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs'):
        for file in sorted(folder.glob('**/*.py')):
            if '_base_' not in file.parts:
                name = (Path('configs') / file.relative_to(folder)).as_posix()
                known.setdefault(file.stem, name)
    stems = difflib.get_close_matches(path.stem, known, n=3, cutoff=0.4)
    return [known[stem] for stem in stems]


def _where(error: Exception, file: Path) -> str:
    """The error and the last line of a config it came from, if any."""
    cause: Optional[BaseException] = error
    while cause is not None and not isinstance(cause, SyntaxError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None and cause.lineno:
        return f'{cause.msg} in line {cause.lineno}'
    if isinstance(error, FileNotFoundError) and str(error.filename).endswith('.py'):
        return (f'{error.filename} does not exist; paths in _base_ count from the folder of the '
                'config, so keep a copy beside its original')
    library = os.sep + 'mmengine' + os.sep
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith('.py') and library not in frame.filename
        and Path(frame.filename) != Path(__file__) and 'importlib' not in frame.filename
    ]
    text = f'{type(error).__name__}: {one_line(error)}'
    if not frames:
        return text
    inside = '' if Path(frames[-1].filename) == file.resolve() else f' of {frames[-1].filename}'
    return f'{text} in line {frames[-1].lineno}{inside}'


def _runner_keys() -> List[str]:
    return [*inspect.signature(Runner.__init__).parameters, *EXTRA_KEYS]


def _check_names(cfg: Config, file: Path) -> None:
    """Reject a misspelled setting: mmengine takes any name for a variable and goes on without."""
    known = _runner_keys()
    for key in cfg:
        close = difflib.get_close_matches(key, known, n=1, cutoff=MISSPELLED)
        if close and key not in known:
            raise UserError(f'Config {file}: nothing reads {key!r}; closest: {close[0]}. Correct '
                            'the name, or give a variable of your own one that is less like it.')


def _check_option(cfg: Config, option: str, options: Dict[str, Any]) -> None:
    """Reject a dotted key that leads nowhere.

    New last parts are allowed (a setting the config leaves at its default), unless they look like
    a misspelling of one that is there. So are new parts that the component takes, which may be
    one that another of the options names.
    """
    runner_keys = _runner_keys()
    keys = option.split('.')
    if keys[0] not in cfg and keys[0] not in runner_keys:
        _unknown(option, keys[0], '', [*cfg.keys(), *runner_keys], cutoff=0.0)
    node: Any = cfg
    for depth, key in enumerate(keys):
        parent = '.'.join(keys[:depth])
        if isinstance(node, (list, tuple)):
            if not key.isdigit() or int(key) >= len(node):
                raise UserError(f'--cfg-options {option}: {parent} is a list of {len(node)}; '
                                f'expected an index from 0 to {len(node) - 1}, found {key!r}.')
            node = node[int(key)]
        elif not hasattr(node, 'keys'):
            if node is None:
                return
            raise UserError(f'--cfg-options {option}: {parent} is {node!r}, which has no setting '
                            f'{key!r}. Set {parent} itself.')
        elif key in node:
            node = node[key]
        else:
            kind = options.get(f'{parent}.type', node.get('type'))
            taken = key in BUILDER_KEYS.get(keys[depth - 1], ()) or _is_argument(kind, key)
            if depth and not taken:
                last = depth == len(keys) - 1
                _unknown(option, key, parent, node.keys(), cutoff=0.75 if last else 0.0)
            return


def _check_number(cfg: Config, option: str, value: Any) -> None:
    """Reject a list for a number of an optimizer: 0,001 is two numbers, and torch says so late."""
    *parents, key = option.split('.')
    if 'optimizer' not in parents or not isinstance(value, (list, tuple)):
        return
    node: Any = cfg
    for parent in parents:
        node = node[int(parent)] if isinstance(node, (list, tuple)) else node.get(parent) or {}
    now = node.get(key)
    if isinstance(now, (int, float)):
        raise UserError(f'--cfg-options {option}: read as the list {list(value)}, expected a '
                        f'number, such as the {now} of the config. Decimals have a point.')


def _open_none(cfg: Config, option: str, options: Dict[str, Any]) -> None:
    """Make room for a setting of what the config has as None, where the options say enough of it:
    mmengine merges nothing into None. A component also needs its type."""
    keys = option.split('.')
    node: Any = cfg
    for depth, key in enumerate(keys[:-1], start=1):
        inside = node[int(key)] if isinstance(node, (list, tuple)) else node.get(key, {})
        if inside is None:
            parent = '.'.join(keys[:depth])
            whole = {f'{parent}.type', f'{parent}._delete_'} & options.keys()
            if key not in WITHOUT_TYPE and not whole:
                raise UserError(f'--cfg-options {option}: the config has {parent}=None, so there '
                                f'is nothing whose {keys[depth]!r} could be set. Leave the option '
                                f'out, or, for a component, give {parent}.type as well.')
            node[int(key) if isinstance(node, (list, tuple)) else key] = {}
            return
        node = inside


def _is_argument(kind: Any, key: str) -> bool:
    """Whether the component that a ``type`` names takes an argument of this name."""
    components = [r.module_dict[kind] for r in registries() if kind in r.module_dict]
    return any(key in inspect.signature(component).parameters for component in components)


def _unknown(option: str, key: str, parent: str, known: Iterable[str], cutoff: float) -> None:
    known = [name for name in known if name != 'self']
    close = difflib.get_close_matches(key, known, n=1, cutoff=cutoff)
    if not close and cutoff:
        return
    place = f'{parent} has no setting {key!r}' if parent else f'the config has no {key!r}'
    prefix = f'{parent}.' if parent else ''
    advice = f'; closest: {prefix}{close[0]}' if close else ''
    raise UserError(f'--cfg-options {option}: {place}{advice}. Correct the name, or add the '
                    'setting to a config file.')
