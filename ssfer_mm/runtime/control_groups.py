"""Control groups, by which Linux gives a container or a job a part of its machine."""
import posixpath
from pathlib import Path
from typing import Iterator, List, Tuple


def control_groups(controller: str, system: Path) -> Iterator[Path]:
    """Folders of the groups that this process is in, and of those around them.

    Args:
        controller: What they limit, ``'cpu'`` or ``'memory'``.
        system: The root of the file system.
    """
    paths = dict(_paths(controller, system))
    for line in lines(system / 'proc/self/mountinfo'):
        mount, _, kind = line.partition(' - ')
        mount, kind = mount.split(), kind.split()
        if len(mount) < 5 or len(kind) < 3 or kind[0] not in ('cgroup', 'cgroup2'):
            continue
        version = 2 if kind[0] == 'cgroup2' else 1
        if version not in paths or (version == 1 and controller not in kind[2].split(',')):
            continue
        # Of all groups those below `mount[3]` are seen here.
        inside = posixpath.relpath(paths[version], mount[3])
        folder = system / mount[4].lstrip('/')
        below = Path() if inside.startswith('..') else Path(inside)
        yield from (folder / part for part in (below, *below.parents))


def lines(path: Path) -> List[str]:
    """Of a file that the system writes; none where it has no such file."""
    try:
        return path.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return []


def _paths(controller: str, system: Path) -> Iterator[Tuple[int, str]]:
    """(version, path) of the groups of this process that have this limit."""
    for line in lines(system / 'proc/self/cgroup'):
        _, controllers, path = (line.split(':', 2) + ['', ''])[:3]
        if not path.startswith('/'):
            continue
        if not controllers:
            yield 2, path
        elif controller in controllers.split(','):
            yield 1, path
