"""How much memory is left: in a container less than the machine has, where there is a limit."""
from pathlib import Path
from typing import Dict, Optional

from .control_groups import control_groups, lines

# Limit and use of a group, in versions 2 and 1.
FILES = (('memory.max', 'memory.current'),
         ('memory.limit_in_bytes', 'memory.usage_in_bytes'))
# Of files that were read, which go when room is needed; version 1 has those of groups below apart.
CACHES = (('inactive_file', 'active_file'), ('total_inactive_file', 'total_active_file'))


def available_memory(system: Path = Path('/')) -> Optional[int]:
    """Bytes that can be had without swapping; None if the system does not say.

    Docker's ``--memory``, Kubernetes' ``limits.memory`` and Slurm's ``--mem`` end processes beyond
    their limit, however much the machine has left.

    Args:
        system: The root of the file system.
    """
    machine = _numbers(system / 'proc/meminfo').get('MemAvailable:')
    amounts = [] if machine is None else [machine * 1024]
    for group in control_groups('memory', system):
        amounts += [left for version in (0, 1) if (left := _left(group, version)) is not None]
    return min(amounts, default=None)


def _left(group: Path, version: int) -> Optional[int]:
    """Of a group's limit; that of a group without one is "max", or more than any machine has."""
    try:
        limit, used = (int(lines(group / name)[0]) for name in FILES[version])
    except (IndexError, ValueError):  # no such file, or "max"
        return None
    numbers = _numbers(group / 'memory.stat')
    return max(0, limit - used + sum(numbers.get(name, 0) for name in CACHES[version]))


def _numbers(path: Path) -> Dict[str, int]:
    """The lines of a file that are a name and a number."""
    words = [line.split() for line in lines(path)]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}
