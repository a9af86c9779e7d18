"""How much processor time a container may use: less than its cores, where it has a quota."""
import posixpath
from pathlib import Path
from typing import Iterator, Optional, Tuple


def cpu_quota(system: Path = Path('/')) -> Optional[float]:
    """Cores' worth of time that the control groups of this process leave it; None: no limit.

    Docker's ``--cpus`` and Kubernetes' ``limits.cpu`` set it. The processor shows all its cores all
    the same, and threads beyond the quota only make each other wait.

    Args:
        system: The root of the file system.
    """
    quotas = [quota for group in _groups(system) if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _groups(system: Path) -> Iterator[Path]:
    """Folders of the groups that this process is in, and of those around them."""
    paths = dict(_paths(system))
    for line in _lines(system / 'proc/self/mountinfo'):
        mount, _, kind = line.partition(' - ')
        mount, kind = mount.split(), kind.split()
        if len(mount) < 5 or len(kind) < 3 or kind[0] not in ('cgroup', 'cgroup2'):
            continue
        version = 2 if kind[0] == 'cgroup2' else 1
        if version not in paths or (version == 1 and 'cpu' not in kind[2].split(',')):
            continue
        # Of all groups those below `mount[3]` are seen here.
        inside = posixpath.relpath(paths[version], mount[3])
        folder = system / mount[4].lstrip('/')
        below = Path() if inside.startswith('..') else Path(inside)
        yield from (folder / part for part in (below, *below.parents))


def _paths(system: Path) -> Iterator[Tuple[int, str]]:
    """(version, path) of the groups of this process that limit processor time."""
    for line in _lines(system / 'proc/self/cgroup'):
        _, controllers, path = (line.split(':', 2) + ['', ''])[:3]
        if not path.startswith('/'):
            continue
        if not controllers:
            yield 2, path
        elif 'cpu' in controllers.split(','):
            yield 1, path


def _quota(group: Path) -> Optional[float]:
    text = ' '.join(_lines(group / 'cpu.max')) or ' '.join(
        line for name in ('cpu.cfs_quota_us', 'cpu.cfs_period_us') for line in _lines(group / name))
    try:
        quota, period = map(int, text.split())
    except ValueError:  # no such files; or "max"
        return None
    return quota / period if quota > 0 and period > 0 else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return []
