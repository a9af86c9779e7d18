"""Trainings that ``growth.py`` starts and watches from outside."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssfer_mm.profiling.process_memory import own_memory

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/mae/mae_vit-micro-p8_faces-48px.py'
ITERATION = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/')
TICKS = os.sysconf('SC_CLK_TCK')


@dataclass(frozen=True)
class Mark:
    """A training as it was when it logged an iteration.

    Attributes:
        epoch: From 1.
        iteration: Of the epoch, from 1.
        clock: Seconds.
        cpu: Seconds of processor time of all its processes so far.
        memory: MiB of its own of each process: the main one first, then its loader's.
    """
    epoch: int
    iteration: int
    clock: float
    cpu: float
    memory: list[float]


def watch(command: Sequence[str], last: tuple[int, int]) -> list[Mark]:
    """Run a training until it has logged iteration ``last`` (epoch, iteration), and stop it."""
    environment = dict(os.environ, OMP_NUM_THREADS=os.environ.get('OMP_NUM_THREADS', '1'),
                       PYTHONUNBUFFERED='1')
    run = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           cwd=ROOT, env=environment)
    lines, marks = [], []
    for line in run.stdout:
        lines.append(line)
        found = ITERATION.search(line)
        if found:
            tree = family(run.pid)
            marks.append(Mark(int(found[1]), int(found[2]), time.perf_counter(),
                              sum(map(processor_time, tree)),
                              [own_memory(pid) or 0. for pid in tree]))
            if (marks[-1].epoch, marks[-1].iteration) >= last:
                break
    run.terminate()
    run.stdout.close()
    run.wait()
    if not marks or (marks[-1].epoch, marks[-1].iteration) < last:
        sys.exit(''.join(lines[-8:]) + f'error: ended before epoch {last[0]}, iteration {last[1]}')
    return marks


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for place in Path(f'/proc/{pid}/task').glob('*/children'):
        for child in place.read_text().split():
            found += family(int(child))
    return found


def processor_time(pid: int) -> float:
    """Seconds that a living process has spent."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def train(*settings: str, work_dir: Path, config: Path = CONFIG, processes: int = 0,
          last: tuple[int, int]) -> list[Mark]:
    """Train stage I with ``--cfg-options`` until iteration ``last``; logs it and every epoch's end.

    Args:
        settings: ``KEY=VALUE``.
        work_dir: For the run; what an earlier one left there is deleted.
        config: Which.
        processes: How many, under torchrun; 0 without it.
        last: Epoch and iteration at which to stop.
    """
    shutil.rmtree(work_dir, ignore_errors=True)
    start = [sys.executable]
    if processes:
        start += ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={processes}']
    return watch([*start, str(ROOT / 'tools/train.py'), str(config), '--work-dir', str(work_dir),
                  *(['--launcher', 'pytorch'] if processes else []), '--cfg-options',
                  f'default_hooks.logger.interval={last[1]}', *settings], last)


def time_steps(name: str, settings: Sequence[str], folder: Path, rounds: int) -> dict:
    """What ``tools/benchmark.py`` finds of stage I with these settings, on one thread."""
    out = folder / f'{name}.json'
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools/benchmark.py'), str(CONFIG), '--threads', '1',
         '--rounds', str(rounds), '--block-seconds', '1', '--json', str(out), '--cfg-options',
         *settings], cwd=ROOT, text=True, capture_output=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:] + f'error: the benchmark of {name} failed')
    return json.loads(out.read_text())[0]['stages']['pretrain']

