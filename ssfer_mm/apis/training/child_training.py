"""A training in a process of its own, which ends and saves when this one is told to end."""
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator, Optional

from mmengine.logging import print_log

from ssfer_mm.command_line.option_values import option_text
from ssfer_mm.command_line.printing import reader_has_left
from ssfer_mm.config import PACKAGE
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.signals import KILLS, NOTICE, heard_by

# A wheel carries the tools inside the package.
SHIPPED = PACKAGE / '.mim'
# Seconds in which a training says that it heard the same signal, as it does where a terminal or
# Slurm sends it to both.
TOLD_AS_WELL = 3.
PROGRESS = re.compile(r'Epoch\((train|val)\)|Stage "|Pseudo-labels|Split:|FaceMix')
# What mmengine warns of in every training, and single images, which a line per epoch counts.
IN_THE_FILE_ONLY = re.compile(r'The prefix is not set in metric class|"FileClient" will be|'
                              r'"HardDiskBackend" is the alias|\w+: skipping the unreadable image')
TRAIN = (SHIPPED if SHIPPED.is_dir() else PACKAGE.parent) / 'tools' / 'train.py'


def train(config: str, work_dir: Path, options: dict, title: str) -> None:
    """Train in a process of its own, resumed where it was left.

    Args:
        config: A config file.
        work_dir: Of the run; all that it prints goes to ``train.log`` there.
        options: dotted key -> value, as of ``--cfg-options``.
        title: What the lines of progress begin with.

    Raises:
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; the training has saved first.
        UserError: The training failed.
    """
    command = [sys.executable, str(TRAIN), config, '--work-dir', str(work_dir), '--resume']
    if options:
        command += ['--cfg-options',
                    *(f'{key}={option_text(value)}' for key, value in options.items())]
    print_log(f'{title}: {shlex.join(command)}')
    # Libraries print names of files as they are, in any bytes.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               encoding='utf-8', errors='backslashreplace')
    with _kills_passed_on(process, title) as (kills, heard):
        try:
            _relay(process, work_dir / 'train.log', title, heard)
        except BaseException as error:
            # Nobody reads on, or the disk is full; a training must not go on alone.
            _end(process, kills, heard)
            if not (kills and isinstance(error, BrokenPipeError)):
                raise
            reader_has_left()  # Ctrl-C ended `tee` first; what is in the buffer goes nowhere
    status = process.wait()
    if kills:
        raise KeyboardInterrupt
    if status:
        raise UserError(f'{title} failed; the end of {work_dir / "train.log"} says why. Correct it '
                        'and run the same command again: finished parts are not repeated')


@contextlib.contextmanager
def _kills_passed_on(process: subprocess.Popen,
                     title: str) -> Iterator[tuple[list, Callable[[], object]]]:
    """Inside, Ctrl-C or a polite kill of this process stops the training, which would go on alone.

    Yields:
        The list of the kills that came, and what to call when the training says that it heard one.
        Then it is not told again, because a second signal would end it before it has saved.
    """
    kills: list = []

    def pass_on(number: int) -> None:
        # The very same one: a training that is too busy to have said anything hears both as one.
        with contextlib.suppress(ValueError):  # Windows, whose console tells both
            process.send_signal(number)

    tell, again = (threading.Timer(TOLD_AS_WELL, lambda place=place: pass_on(kills[place]))
                   for place in (0, 1))

    def hear(number: int) -> None:
        kills.append(number)
        if len(kills) > 1:  # the third time at the latest a training that hears nothing ends
            again.start() if len(kills) == 2 else process.kill()
            return
        tell.start()
        with contextlib.suppress(OSError):  # and no print(), which may be under way
            os.write(2, f'\n{title}: stopping, the iteration is finished first\n'.encode())

    try:
        with heard_by(hear, (signal.SIGINT, *KILLS)):
            yield kills, tell.cancel
    finally:
        tell.cancel()
        again.cancel()


def _end(process: subprocess.Popen, kills: list, heard: Callable[[], object]) -> None:
    """Stop the training, unless a signal has, and let it save."""
    if not kills:
        process.terminate()
    for line in process.stdout:
        if line.startswith(NOTICE):
            heard()
    process.wait()


def _relay(process: subprocess.Popen, log: Path, title: str,
           heard: Callable[[], object]) -> None:
    """Show the progress of a run in few lines; keep all of its output in a file.

    ``heard`` is called when the run says that it heard a signal.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'a', encoding='utf-8') as file:
        for line in process.stdout:
            file.write(line)
            file.flush()
            if line.startswith(NOTICE):
                heard()
            if (shown := _worth_showing(line, title)) is not None:
                print(shown, end='', flush=True)


def _worth_showing(line: str, title: str) -> Optional[str]:
    """What to show of a line that a training prints; None where the file is enough."""
    _, warns, text = line.partition(' - WARNING - ')
    if warns:
        # What is wrong with hours of training must not wait in a file for somebody to open it.
        return None if IN_THE_FILE_ONLY.match(text) else f'{title} | warning: {text}'
    _, tells, text = line.partition(' - INFO - ')
    if tells and PROGRESS.search(text):
        return f'{title} | {text}'
    return line if line.startswith('error:') else None
