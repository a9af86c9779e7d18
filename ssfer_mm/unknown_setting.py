"""Settings of a config that the component they are given to does not take, or not so."""
import difflib
import inspect
import re
import traceback
from typing import List, Optional

from ssfer_mm.errors import one_line

# As Python words it, with the class before the method since 3.10.
UNEXPECTED = re.compile(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'")


def unknown_setting(error: BaseException) -> Optional[str]:
    """What is wrong with the config, if `error` is a setting that nobody takes; None otherwise.

    A TypeError may as well be a mistake in the program. It is one of the config if the argument
    stands among those that the registry passes on, and was refused before the constructor began.
    """
    if not isinstance(error, TypeError):
        return None
    while isinstance(error.__context__, TypeError):  # mmengine 0.10.7 wraps it once per level
        error = error.__context__
    match = UNEXPECTED.search(str(error))
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if match is None or not frames or frames[-1].f_code.co_name != 'build_from_cfg':
        return None
    component, setting = frames[-1].f_locals.get('obj_cls'), match.group(2)
    if setting not in frames[-1].f_locals.get('args', {}):
        return None
    taken = [name for name in inspect.signature(component).parameters if name != 'self']
    close = difflib.get_close_matches(setting, taken, n=1, cutoff=0.6)
    advice = f'closest: {close[0]}' if close else f'it takes {", ".join(taken) or "none"}'
    return (f'{component.__name__} has no setting {setting!r}; {advice}. Correct the name, or '
            'remove it from the config or --cfg-options.')


def unknown_arch(error: BaseException) -> Optional[str]:
    """What is wrong with the config, if `error` comes from a backbone that was given an ``arch``
    of another name than it knows, or one of the user's own; None otherwise.

    Some of mmpretrain's backbones take none of the user's own, whatever they say.
    """
    if not isinstance(error, (AssertionError, KeyError, TypeError, ValueError)):
        return None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    while type(error.__context__) is type(error):  # mmengine 0.10.7 wraps it once per level
        error = error.__context__
        frames += [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in frames:
        if frame.f_code.co_name != 'build_from_cfg':
            continue
        component = frame.f_locals.get('obj_cls')
        arch, names = frame.f_locals.get('args', {}).get('arch'), _archs(component)
        if arch is None or not names or isinstance(arch, str) and arch.lower() in names:
            continue
        return (f'{component.__name__} cannot be built from its settings '
                f'({type(error).__name__}: {one_line(error, 150)}): set its arch to '
                f'{", ".join(names)}, or correct what is complained of')
    return None


def _archs(component: object) -> List[str]:
    """Names of the archs that a backbone of mmpretrain knows."""
    known = getattr(component, 'arch_zoo', None) or getattr(component, 'arch_settings', None)
    return [name for name in known or () if isinstance(name, str)]
