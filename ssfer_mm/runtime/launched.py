"""Which of the processes of a run this one is, also before mmengine has joined them.

A launcher alone makes a process one of several: without one mmengine joins no group, whatever the
environment says of ranks: in a pod of Kubeflow RANK and WORLD_SIZE are set for everything that runs
there.
"""
import argparse
import os
import sys
from typing import NamedTuple, Optional

# What each launcher calls the rank, the number of processes and the rank on this machine.
NAMES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


class Place(NamedTuple):
    """The place of a process among those that were launched together; by default it is alone."""
    launcher: str = 'none'
    rank: int = 0
    processes: int = 1
    local_rank: int = 0  # on its machine

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    @property
    def is_launched(self) -> bool:
        """Whether a launcher started it, even if as the only process."""
        return self.launcher != 'none' or self.processes > 1


def this_place(launcher: Optional[str] = None) -> Place:
    """The place of this process.

    Args:
        launcher: 'none', 'pytorch', 'slurm' or 'mpi', as a config has it; None: ``--launcher`` of
            this program. What the launcher does not say is as for a process that is alone; a
            training refuses to start so.

    Example:
        >>> this_place('none')
        Place(launcher='none', rank=0, processes=1, local_rank=0)
    """
    launcher = _of_the_command_line() if launcher is None else launcher
    numbers = [os.environ.get(name, '') for name in NAMES.get(launcher, ())]
    place = Place(launcher, *(int(number) if number.isdecimal() else alone
                              for number, alone in zip(numbers, (0, 1, 0))))
    # Who has joined a group has imported it; one who is interrupted, perhaps half of it.
    group = sys.modules.get('torch.distributed')
    if getattr(group, 'is_initialized', bool)():
        return place._replace(rank=group.get_rank(), processes=group.get_world_size())
    return place


def _of_the_command_line() -> str:
    """``--launcher`` as argparse reads it: abbreviated, with = or a space, the last one given."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--launcher', nargs='?')
    launcher = parser.parse_known_args(sys.argv[1:])[0].launcher
    return launcher if launcher in NAMES else 'none'
