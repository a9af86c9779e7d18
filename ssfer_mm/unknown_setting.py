"""Settings of a config that the component they are given to does not take."""
import difflib
import inspect
import re
import traceback
from typing import Optional

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
