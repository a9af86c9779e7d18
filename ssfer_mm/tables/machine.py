"""Where and from which code a run comes."""
import os
import subprocess
from pathlib import Path
from typing import Optional

from ssfer_mm.runtime.processor import cores, processor_name

GIB = 2**30
# A training of the small models with its loader processes takes about one.
GIB_PER_JOB = 2


def default_jobs() -> int:
    """How many trainings have room: one per core while memory lasts, or one on the first GPU."""
    import torch

    if torch.cuda.is_available():
        return 1
    memory = _available_memory()
    return max(1, cores() if memory is None else min(cores(), int(memory / GIB // GIB_PER_JOB)))


def _available_memory() -> Optional[int]:
    """Bytes that can be had without swapping; None if the system does not say."""
    try:
        for line in Path('/proc/meminfo').read_text().splitlines():
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def hardware() -> str:
    """Processor or GPU, in a few words.

    Example:
        >>> hardware()  # doctest: +SKIP
        'AMD EPYC, 2 cores'
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return f'{processor_name()}, {cores()} cores'


def commit() -> str:
    """Short hash of the code's commit, ``+`` behind it if files differ.

    Outside of git, as in a copy on another machine: what SSFER_MM_COMMIT says, or ''.
    """
    def git(*arguments: str) -> str:
        return subprocess.run(['git', *arguments], cwd=Path(__file__).parent, text=True,
                              capture_output=True, check=True).stdout.strip()

    try:
        # An environment may lie in a repository, which is not that of the code.
        git('ls-files', '--error-unmatch', Path(__file__).name)
        changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/ssfer_mm',
                      ':/configs', ':/tools')
        return git('rev-parse', '--short=10', 'HEAD') + ('+' if changed else '')
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get('SSFER_MM_COMMIT', '')
