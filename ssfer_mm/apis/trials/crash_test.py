"""Kill a training at random moments, resume it, and compare it with one that was left alone."""
import argparse
import functools
import multiprocessing
import os
import random
import re
import shutil
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from ssfer_mm.command_line.parsers import crash_test_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.engine.checkpoint_folder import POINTER
from ssfer_mm.errors import UserError
from ssfer_mm.processes import end_with_parent, fresh_processes, hear_ctrl_c

from .compare_runs import compare_runs

MARK = '.crash_test'  # in the folders that may be deleted


@dataclass(frozen=True)
class Outcome:
    """What a crash test found.

    Attributes:
        kills: How many kills struck a process that was still training.
        resumes: After how many of them the run went on from a checkpoint, not from the beginning.
        differences: Lines of `compare_runs`; empty if every run ended the same.
    """
    kills: int
    resumes: int
    differences: List[str]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """``tools/crash_test.py``: 0 if the runs ended the same, 1 if not, 2 after a mistake."""
    return run_cli(lambda: _run(crash_test_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> int:
    outcome = crash_test(args.config, args.kills, args.seed, args.work_dir, args.cfg_options)
    if outcome.differences:
        print(f'NOT the same after {outcome.kills} kills: {len(outcome.differences)} differences, '
              'the first of them:')
        print('\n'.join(f'  {line}' for line in outcome.differences[:10]))
        return 1
    print(f'The same, bit for bit, after {outcome.kills} kills, {outcome.resumes} of them followed '
          'by a resume from a checkpoint: weights, teacher, optimizer, schedules, log.')
    return 0


def crash_test(config: str, kills: int, seed: int = 0, work_dir: Optional[str] = None,
               cfg_options: Optional[dict] = None, report: Callable[[str], None] = print
               ) -> Outcome:
    """Run the test.

    Args:
        config: A config file.
        kills: How many processes to kill. If a run ends before all are used up, another one
            begins, so that all of them strike.
        seed: Of the moments. Every other one lies anywhere from the building of the model to the
            end, the others after a checkpoint was written, so that there is something to resume.
        work_dir: ``whole/`` and ``killed_1/``, ... are written there, and replace those of a
            former test.
        cfg_options: As in `load_config`.
        report: Called with a line of progress.

    Raises:
        UserError: ``kills`` is not positive, the work dir has such folders that no crash test
            made, or the training fails by itself.
    """
    if kills < 1:
        raise UserError(f'--kills {kills}: expected at least 1')
    load_config(config, cfg_options)  # a mistake in it is reported here, once
    folder = Path(work_dir or Path('work_dirs') / f'crash_{Path(config).stem}').absolute()
    _refuse_others(folder)
    whole = _fresh(folder / 'whole')
    start = functools.partial(_start, config, cfg_options)
    seconds = start(whole).wait()
    report(f'{whole}: trained without interruption in {seconds:.1f} s')
    moments, done, resumes, number, differences = random.Random(seed), 0, 0, 0, []
    while done < kills:
        number += 1
        run = _fresh(folder / f'killed_{number}')
        while done < kills:
            delay = moments.uniform(0, seconds if done % 2 == 0 else seconds / 4)
            if not start(run).kill_after(delay, at_checkpoint=done % 2 == 1):
                break
            done += 1
            newest = run / POINTER
            resumes += newest.is_file()
            report(f'{run.name}: kill {done} of {kills}; goes on from '
                   f'{Path(newest.read_text()).name if newest.is_file() else "the beginning"}')
        start(run).wait()
        differences += [f'{run.name}: {line}' for line in compare_runs(whole, run)]
    return Outcome(done, resumes, differences)


def _refuse_others(work_dir: Path) -> None:
    """Nothing is deleted that was not made here."""
    for path in sorted(work_dir.glob('*')):
        if not re.fullmatch(r'whole|killed_\d+', path.name) or (path / MARK).is_file():
            continue
        if not path.is_dir() or any(path.iterdir()):
            raise UserError(f'{path} would be deleted, but no crash test has left its file {MARK} '
                            'there: choose another --work-dir, or delete it yourself')


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).write_text('Made by tools/crash_test.py, which deletes this folder when it is '
                               'started here again.\n', encoding='utf-8')
    return folder


class _Training:
    """A training in a process of its own, whose clock starts once everything is built."""

    def __init__(self, process: multiprocessing.Process, began: Connection, log: Path) -> None:
        self.process, self.log = process, log
        try:
            began.recv()
        except EOFError:
            self.wait()
        self.began = time.monotonic()

    def wait(self) -> float:
        """Let it end; returns the seconds it took."""
        self.process.join()
        if self.process.exitcode != 0:
            raise UserError(f'the training failed by itself (exit status {self.process.exitcode}); '
                            f'the end of {self.log} says why. Correct that first')
        return time.monotonic() - self.began

    def kill_after(self, delay: float, at_checkpoint: bool = False) -> bool:
        """SIGKILL after so many seconds, of training or from the next checkpoint on.

        Returns:
            Whether it struck; False if the training ended before.
        """
        if at_checkpoint:
            before = _written(self.log.parent)
            while _written(self.log.parent) == before and self.process.exitcode is None:
                time.sleep(0.005)
            self.began = time.monotonic()
        self.process.join(max(self.began + delay - time.monotonic(), 0))
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            if self.process.exitcode != 0:
                return True
        self.wait()
        return False


def _written(run: Path) -> float:
    """When the newest checkpoint was written; 0 if there is none."""
    pointer = run / POINTER
    return pointer.stat().st_mtime if pointer.exists() else 0.


def _start(config: str, cfg_options: Optional[dict], run: Path) -> _Training:
    context = fresh_processes(['ssfer_mm.apis', 'ssfer_mm.datasets', 'ssfer_mm.engine'])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(config, cfg_options, run, sender))
    process.start()
    sender.close()
    return _Training(process, receiver, run / 'train.log')


def _train(config: str, cfg_options: Optional[dict], run: Path, began: Connection) -> None:
    """In the child: ``tools/train.py CONFIG --work-dir RUN --resume``, its output in a file."""
    from ssfer_mm.apis.training.launch import train

    hear_ctrl_c()
    end_with_parent()
    log = os.open(run / 'train.log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    cfg = load_config(config, cfg_options)
    cfg.work_dir, cfg.resume, cfg.load_from = str(run), True, None
    cfg.launcher = 'none'  # the config that a run of several processes left names theirs
    train(cfg, began=functools.partial(began.send, None))
