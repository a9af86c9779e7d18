"""How much processor time a container may use: less than its cores, where it has a quota."""
from pathlib import Path
from typing import Optional

from .control_groups import control_groups, lines


def cpu_quota(system: Path = Path('/')) -> Optional[float]:
    """Cores' worth of time that the control groups of this process leave it; None: no limit.

    Docker's ``--cpus`` and Kubernetes' ``limits.cpu`` set it. The processor shows all its cores all
    the same, and threads beyond the quota only make each other wait.

    Args:
        system: The root of the file system.
    """
    quotas = [quota for group in control_groups('cpu', system)
              if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _quota(group: Path) -> Optional[float]:
    text = ' '.join(lines(group / 'cpu.max')) or ' '.join(
        line for name in ('cpu.cfs_quota_us', 'cpu.cfs_period_us') for line in lines(group / name))
    try:
        quota, period = map(int, text.split())
    except ValueError:  # no such files; or "max"
        return None
    return quota / period if quota > 0 and period > 0 else None
