"""A training in a process of its own, which ends and saves when this one is told to end."""
import contextlib
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator, Optional

from mmengine.logging import print_log

from ssfer_mm.command_line.option_values import option_text
from ssfer_mm.config import PACKAGE
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.signals import KILLS, NOTICE, heard_by

# A wheel carries the tools inside the package.
SHIPPED = PACKAGE / '.mim'
# Seconds in which a training says that it heard the same signal, as it does where Slurm sends it.
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
    with _kills_passed_on(process) as (kills, heard):
        try:
            _relay(process, work_dir / 'train.log', title, heard)
        except KeyboardInterrupt:
            print_log(f'{title}: stopping, the iteration is finished and saved first')
            _relay(process, work_dir / 'train.log', title, heard)
            process.wait()
            raise
    status = process.wait()
    if kills:
        raise KeyboardInterrupt
    if status:
        raise UserError(f'{title} failed; the end of {work_dir / "train.log"} says why. Correct it '
                        'and run the same command again: finished parts are not repeated')


@contextlib.contextmanager
def _kills_passed_on(process: subprocess.Popen) -> Iterator[tuple[list, Callable[[], object]]]:
    """Inside, a polite kill of this process stops the training, which would go on alone.

    Yields:
        The list of the kills that came, and what to call when the training says that it heard one.
        Then it is not told again, because a second signal would end it before it has saved.
    """
    kills: list = []
    tell = threading.Timer(TOLD_AS_WELL, process.terminate)

    def hear(number: int) -> None:
        kills.append(number)
        tell.start() if len(kills) == 1 else process.terminate()

    try:
        with heard_by(hear, KILLS):
            yield kills, tell.cancel
    finally:
        tell.cancel()


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
