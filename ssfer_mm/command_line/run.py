"""How a command-line tool ends: one line for the user's mistakes, a traceback for ours."""
import contextlib
import difflib
import errno
import os
import re
import shlex
import signal
import sys
import threading
import time
from traceback import walk_tb
from typing import Callable, List, Optional, Sequence

from ssfer_mm.command_line.printing import print_any_name, reader_has_left
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.launched import Place, this_place
from ssfer_mm.runtime.signals import kill_as_interrupt
from ssfer_mm.unknown_setting import unknown_arch, unknown_setting

# Nothing in the program is wrong when a disk is full, over its quota, or may not be written to.
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
# Seconds that the others of a torchrun wait, as long as the first may take to be gone.
SPEAKS_FIRST = 5.
# How gloo and NCCL say that the process at the other end is gone.
OTHER_IS_GONE = re.compile(r'Connection (?:reset|closed) by peer|Broken pipe|Socket closed|'
                           r'remote process exited|remote worker', re.IGNORECASE)
ECHO = ('another process of this run has ended. What it said stands above or below; where it '
        'said nothing, it was killed, or the memory was full.')
# How PyTorch says that a process which loads images was ended from outside.
LOADER_IS_GONE = re.compile(r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) '
                            r'(?:is killed by signal|exited unexpectedly)')
# A folder where a file is wanted, or the other way round.
KIND = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
# How mmengine's TensorboardVisBackend and its like say what they need.
TO_INSTALL = re.compile(r'Please run "(pip install [^"]+)"')
NOT_REGISTERED = re.compile(r'([\w.]+) is not in the (?:(\w+)::)?([\w ]+?) registry')


def run_cli(main: Callable[[], object], resumable: bool = False,
            after_interrupt: str = '') -> int:
    """Run a tool and turn what the user can fix into one line on stderr.

    Args:
        main: The tool. An int that it returns is its exit status; any other result is 0.
        resumable: Whether it is a training, which the same command with ``--resume`` continues;
            it hears SIGTERM and SIGHUP itself, which end other tools as Ctrl-C does.
        after_interrupt: What to say after Ctrl-C instead, for tools that go on in another way.

    Returns:
        Exit status: the tool's own, 1 where another process of the run is gone, or a loader, or
        nobody reads the output, 2 after a user's mistake, 130 after Ctrl-C, SIGTERM or SIGHUP.

    Raises:
        Exception: whatever is not a user's mistake; with SSFER_DEBUG=1 everything.

    Example:
        >>> run_cli(lambda: 0)
        0
    """
    print_any_name()
    try:
        try:
            with _kills(heard_by_main=resumable):
                result = main()
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            return _explain(error, resumable, after_interrupt)
    except RuntimeError as error:
        # PyTorch tells of a lost loader wherever we are, also while we tell of it ourselves.
        if not LOADER_IS_GONE.search(str(error)):
            raise
        return _explain(error, resumable, after_interrupt)
    return result if isinstance(result, int) else 0


def _explain(error: BaseException, resumable: bool, after_interrupt: str) -> int:
    """Say in a line what happened, and return the exit status; raise what is no user's mistake."""
    place = this_place()
    if _was_interrupted(error):
        hint = _resume_hint(place) if resumable else after_interrupt and f' {after_interrupt}'
        if place.is_first:
            print(f'\nInterrupted.{hint}', file=sys.stderr)
        return 130
    if isinstance(error, BrokenPipeError) and reader_has_left():
        return 1
    echo = place.processes > 1 and _other_process_is_gone(error)
    gone = _loader_is_gone(error) or (ECHO if echo else None)
    hint = _resume_hint(place) if resumable else ''
    message = f'{gone}{hint}' if gone else user_message(error)
    if message is None or os.environ.get('SSFER_DEBUG', '0') not in ('', '0'):
        raise error
    if not gone:
        _let_the_first_speak(place)
    print(f'error: {message}', file=sys.stderr)
    return 1 if gone else 2


def _kills(heard_by_main: bool) -> contextlib.AbstractContextManager[None]:
    """Several processes end at once when torchrun tells them to: it reads off how they ended."""
    if heard_by_main or this_place().processes > 1:
        return contextlib.nullcontext()
    return kill_as_interrupt()


def _was_interrupted(error: Optional[BaseException]) -> bool:
    """Whether there was a Ctrl-C, or an error that a library made of one while it cleaned up.

    A disk that was full when the work was to be saved is news of its own.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        if isinstance(error, OSError) and error.errno in DISK:
            return False
        error = error.__cause__ or error.__context__
    return error is not None


def _let_the_first_speak(place: Place) -> None:
    """A mistake is the same in all processes; torchrun ends the others when one has said it."""
    if place.local_rank > 0:
        time.sleep(SPEAKS_FIRST)


def _other_process_is_gone(error: BaseException) -> bool:
    """Whether this is not the error that ended a run of several processes, but its echo."""
    return isinstance(error, RuntimeError) and OTHER_IS_GONE.search(str(error)) is not None


def _loader_is_gone(error: BaseException) -> Optional[str]:
    """What to say of a loader that was killed, as the kernel does where memory is short."""
    match = LOADER_IS_GONE.search(str(error)) if isinstance(error, RuntimeError) else None
    # One that dies with a batch on its way is noticed while this process takes the batch.
    taken = isinstance(error, (EOFError, ConnectionError)) and any(
        frame.f_code.co_name == '_try_get_data' for frame, _ in walk_tb(error.__traceback__))
    if match is None and not taken:
        return None
    if threading.current_thread() is threading.main_thread() and hasattr(signal, 'SIGCHLD'):
        # PyTorch would say it again, wherever we are, in the middle of our own line for example.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    who = f'process {match[1]} that loads' if match else 'a process that loads'
    return (f'{who} images for this one was killed, mostly because the memory or /dev/shm was '
            'full: set a smaller num_workers of the dataloader.')


def _resume_hint(place: Place) -> str:
    arguments = _without_resume(sys.argv)
    if not place.is_launched:
        return (' Continue from the last saved checkpoint with: '
                f'{shlex.join(["python", *arguments, "--resume"])}')
    # What tools/dist_train.sh makes of its own arguments.
    if arguments[2:4] == ['--launcher', 'pytorch'] and 'LOCAL_WORLD_SIZE' in os.environ:
        script = os.path.join(os.path.dirname(arguments[0]), 'dist_train.sh')
        command = shlex.join([script, arguments[1], os.environ['LOCAL_WORLD_SIZE'],
                              *arguments[4:], '--resume'])
        where = ('' if os.environ.get('GROUP_WORLD_SIZE', '1') == '1' else
                 ', on every machine, with NNODES, NODE_RANK and MASTER_ADDR as before')
        return f' Continue from the last saved checkpoint with{where}: {command}'
    return (' Continue from the last saved checkpoint with the command that started the '
            'processes and --resume')


def _without_resume(arguments: Sequence[str]) -> List[str]:
    """Arguments without ``--resume``, the checkpoint that it may name, and ``--redo``."""
    kept, is_value = [], False
    for argument in arguments:
        name, given, _ = argument.partition('=')
        is_resume = len(name) > 4 and '--resume'.startswith(name)  # argparse takes --res, too
        is_redo = len(name) > 4 and '--redo'.startswith(name)
        if not (is_resume or is_redo) and not (is_value and not argument.startswith('-')):
            kept.append(argument)
        is_value = is_resume and not given
    return kept


def go_on_hint(*without: str) -> str:
    """"Go on with this very command", for tools that pick up what they left.

    Args:
        without: Options to leave out of it, because they would begin anew.
    """
    arguments = [argument for argument in sys.argv if argument not in without]
    return f'What is done is kept. Go on with: {shlex.join(["python", *arguments])}'


def user_message(error: BaseException) -> Optional[str]:
    """The line meant for the user, however deep it is wrapped; None if it is not their mistake.

    mmengine 0.10.7 re-raises what a constructor raises as ``type(e)('class `X` in x.py: ...')``,
    once per level of nesting, and a data loader worker puts a whole traceback into the message.
    """
    if isinstance(error, UserError):
        text = str(error)
        if 'Original Traceback' in text:
            text = text.strip().rsplit(f'{type(error).__name__}: ', 1)[-1]
        text = re.sub(r'^(?:class `[^`]+` in \S+\.py: )+', '', text)
        return ' '.join(text.split())
    if isinstance(error, OSError) and error.errno in DISK:
        name = error.filename or 'a file'
        return (f'{name} cannot be opened or written ({error.strerror}). Make room there, or '
                'choose a place that you may write to; a training goes on with --resume')
    if isinstance(error, OSError) and error.errno in KIND and error.filename:
        name = error.filename2 or error.filename  # of os.replace: what was to be replaced
        return (f'{name} cannot be opened or written ({error.strerror}). Name a file where a file '
                'is wanted, and a folder where a folder is')
    missing = _missing_folder(error)
    if missing is not None:
        return (f'{error.filename} cannot be opened or written: there is no folder {missing}. If '
                'it was removed or renamed during the run, put it back and go on with --resume, or '
                'start anew; else correct the path')
    match = NOT_REGISTERED.search(str(error)) if isinstance(error, KeyError) else None
    if match is None:
        return unknown_setting(error) or unknown_arch(error) or _missing_package(error)
    name, scope, registry = match.groups()
    close = difflib.get_close_matches(name, registered_names(registry), n=3, cutoff=0.5)
    advice = f'closest: {", ".join(close)}. ' if close else ''
    full_name = f'{scope}::{registry}' if scope else registry
    return (f'{name!r} is not in the {full_name} registry; {advice}Correct its type= in the '
            'config, or name the module that defines it in custom_imports.')


def _missing_package(error: BaseException) -> Optional[str]:
    """What to install for a component of a config that needs a package of its own."""
    match = TO_INSTALL.search(str(error)) if isinstance(error, ImportError) else None
    if match is None:
        return None
    command = match[1].replace('pip install future ', 'pip install ')  # was for Python 2
    return f'the config names what needs a package that is not installed; run: {command}'


def _missing_folder(error: BaseException) -> Optional[str]:
    """The uppermost folder that a file was looked for in and that is not there, as where a work
    dir was deleted; a file alone that is missing may be a mistake of ours."""
    name = getattr(error, 'filename', None)
    if not isinstance(error, FileNotFoundError) or not isinstance(name, (str, os.PathLike)):
        return None
    try:
        folder, missing = os.path.dirname(os.path.abspath(name)), None
    except FileNotFoundError:  # the folder that we are in was deleted
        return os.curdir
    while not os.path.isdir(folder):
        folder, missing = os.path.dirname(folder), folder
    return missing


def registered_names(registry: str) -> List[str]:
    """Every name that the registries called `registry` know, sorted.

    Args:
        registry: A registry's own name, such as 'dataset' or 'model'.
    """
    from ssfer_mm.component_types import registries

    return sorted({name for candidate in registries() if candidate.name == registry
                   for name in candidate.module_dict})
