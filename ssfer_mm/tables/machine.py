"""Where and from which code a run comes."""
import os
import subprocess
from pathlib import Path
from typing import List

from ssfer_mm.command_line.printing import counted
from ssfer_mm.runtime.memory import available_memory
from ssfer_mm.runtime.processor import cores, processor_name

GIB = 2**30
# A training of the small models with its loader processes takes about one.
GIB_PER_JOB = 2


def default_jobs() -> int:
    """How many trainings have room: one per GPU or, without, one per core while memory lasts."""
    if gpus():
        return len(gpus())
    memory = available_memory()
    return max(1, cores() if memory is None else min(cores(), int(memory / GIB // GIB_PER_JOB)))


def gpus() -> List[str]:
    """The GPUs that this command may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(count)))
    return [name.strip() for name in chosen.split(',')][:count]


def hardware() -> str:
    """Processor or GPU, in a few words, such as ``'AMD EPYC, 2 cores'``."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return f'{processor_name()}, {counted(cores(), "core")}'


def commit() -> str:
    """Short hash of the code's commit, ``+`` behind it if files differ.

    Outside of git, as in a copy on another machine: what SSFER_MM_COMMIT says, or ''.
    """
    def git(*arguments: str) -> str:
        # In a container the code often belongs to another user, to whom git would not answer.
        return subprocess.run(['git', '-c', 'safe.directory=*', *arguments],
                              cwd=Path(__file__).parent, text=True, capture_output=True,
                              check=True).stdout.strip()

    try:
        # An environment may lie in a repository, which is not that of the code.
        git('ls-files', '--error-unmatch', Path(__file__).name)
        changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/ssfer_mm',
                      ':/configs', ':/tools')
        return git('rev-parse', '--short=10', 'HEAD') + ('+' if changed else '')
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get('SSFER_MM_COMMIT', '')
