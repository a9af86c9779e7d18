"""The processor of this machine: how many cores, what it is called, what it can do."""
import os
import platform
import re
from pathlib import Path

from .cpu_quota import cpu_quota


def cores() -> int:
    """Those that this process may use; in a container those that its quota keeps busy."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    quota = cpu_quota()
    return max(1, min(count or 1, int(quota)) if quota else count or 1)


def processor_name() -> str:
    """Its maker's name for it where the system tells that (Linux), else its kind."""
    found = re.search(r'model name\s*: (.*)', _told())
    return found[1].strip() if found else platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Whether it multiplies bfloat16 matrices itself."""
    return re.search(r'\b(avx512_bf16|amx_bf16|bf16)\b', _told()) is not None


def _told() -> str:
    try:
        return Path('/proc/cpuinfo').read_text()
    except OSError:
        return ''
