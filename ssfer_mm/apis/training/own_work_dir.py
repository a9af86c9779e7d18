"""A training has its work dir for itself, and takes no place that another run needs."""
import contextlib
import os
from typing import Iterator, Union

from mmengine.config import Config
from mmengine.logging import print_log

from ssfer_mm.engine import CheckpointFolder, same_error_everywhere
from ssfer_mm.errors import UserError
from ssfer_mm.files.lock import held_by_this_process
from ssfer_mm.files.set_aside import set_aside
from ssfer_mm.runtime.launched import this_place

LOCK = '.running'
ADVICE = ('Continue it with {resume}, give this one its own --work-dir, or begin anew with --redo, '
          'which renames what is there')


@contextlib.contextmanager
def own_work_dir(cfg: Config, redo: bool, advice: str = ADVICE) -> Iterator[None]:
    """Hold a work dir while a run trains in it; to be entered by all processes of the run.

    Args:
        cfg: ``work_dir``, made if it is not there; ``resume`` and ``load_from``: whether the run
            goes on with what is there.
        redo: Whether, if it does not, that is renamed out of the way.
        advice: What to do where there is a run, for tools with other options.

    Raises:
        UserError: Another training runs there; or one has left checkpoints, which a new one would
            overwrite and delete; or the folder cannot be made.
    """
    folder = cfg.work_dir
    with contextlib.ExitStack() as stack:
        with same_error_everywhere():
            if this_place(cfg.get('launcher', 'none')).is_first:
                stack.enter_context(_held(folder))
                newest = None if _goes_on(cfg) else CheckpointFolder(folder).newest()
                if newest and not redo:
                    how = '--resume without a name' if cfg.get('resume') else '--resume'
                    raise UserError(f'{folder} holds a run, the newest checkpoint is {newest}. '
                                    f'{advice.format(resume=how)}')
                if newest:
                    print_log(f'{folder}: the run that was there is now {set_aside(folder)}')
                    stack.enter_context(_held(folder))
        yield


def make_work_dir(folder: Union[str, os.PathLike]) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        UserError: It cannot be made.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UserError(f'{folder} cannot be made ({error.strerror}): give --work-dir a place '
                        'where you may write') from error


@contextlib.contextmanager
def _held(folder: str) -> Iterator[None]:
    make_work_dir(folder)
    with held_by_this_process(os.path.join(folder, LOCK)) as holder:
        if holder is not None:
            raise UserError(f'{folder}: {holder} trains there. Wait for its end, press Ctrl-C '
                            'there, or give this run its own --work-dir')
        yield


def _goes_on(cfg: Config) -> bool:
    """Whether a run continues the one in its work dir; a named checkpoint may be of another."""
    source = cfg.get('load_from')
    return bool(cfg.get('resume')) and (
        not source or os.path.realpath(os.path.dirname(source)) == os.path.realpath(cfg.work_dir))
