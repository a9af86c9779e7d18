"""Several processes without a GPU."""
import os
import subprocess
from datetime import timedelta

import torch
import torch.distributed as dist
from mmengine.config import Config

from ssfer_mm.errors import UserError
from ssfer_mm.runtime.launched import NAMES


def start_processes(cfg: Config) -> None:
    """Join the process group where mmengine cannot: on machines without a GPU, with gloo.

    mmengine selects a CUDA device before it looks at the backend, so it fails on such machines.
    With a GPU this only says where the processes meet, and mmengine joins the group with the
    config's backend.

    Args:
        cfg: ``launcher`` and ``env_cfg.dist_cfg`` are read; the backend and ``model_wrapper_cfg``
            are set to what is used.

    Raises:
        UserError: the launcher's environment variables are missing, or there is no launcher and
            torchrun has started several processes.
    """
    launcher = cfg.get('launcher', 'none')
    if launcher == 'none':
        _check_that_it_is_alone()
        return
    _check_environment(launcher)
    _agree_where_to_meet(launcher)
    if torch.cuda.is_available():
        return
    _wrap_for_cpu(cfg)
    if dist.is_initialized():
        return
    for target, source in zip(NAMES['pytorch'], NAMES[launcher]):
        os.environ[target] = os.environ[source]
    if launcher == 'slurm':
        os.environ.setdefault('MASTER_ADDR', _first_host())
    os.environ.setdefault('MASTER_PORT', '29500')
    dist_cfg = cfg.setdefault('env_cfg', {}).setdefault('dist_cfg', {})
    dist_cfg['backend'] = 'gloo'
    seconds = dist_cfg.get('timeout')
    dist.init_process_group('gloo', timeout=timedelta(seconds=seconds) if seconds else None)


def _check_that_it_is_alone() -> None:
    """Under torchrun each process would train the whole run for itself, in the same folder."""
    # Ranks alone say nothing: a pod of Kubeflow has them, whatever runs in it.
    under_torchrun = 'TORCHELASTIC_RUN_ID' in os.environ
    if under_torchrun and os.environ.get('WORLD_SIZE', '1') != '1':
        raise UserError('torchrun started several processes, but they are not told to train '
                        'together: add --launcher pytorch, or use tools/dist_train.sh, which does')


def _check_environment(launcher: str) -> None:
    missing = [name for name in NAMES[launcher] if not os.environ.get(name, '').isdecimal()]
    if missing:
        found = os.environ.get(missing[0])
        raise UserError(f'--launcher {launcher}: environment variable {missing[0]} is '
                        f'{"not set" if found is None else repr(found)}; '
                        'expected a start through tools/dist_train.sh, srun or mpirun. Use one of '
                        'them, or leave --launcher out.')


def _agree_where_to_meet(launcher: str) -> None:
    """Set what a launcher leaves open of MASTER_ADDR and MASTER_PORT; Slurm's host comes later."""
    if launcher == 'slurm' and 'SLURM_JOB_ID' in os.environ:
        # Two jobs on one machine must not meet, and all processes of a job must agree.
        os.environ.setdefault('MASTER_PORT', str(20000 + int(os.environ['SLURM_JOB_ID']) % 10000))
    if launcher == 'slurm' or 'MASTER_ADDR' in os.environ:
        return
    if launcher == 'mpi' and (os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE')
                              != os.environ['OMPI_COMM_WORLD_SIZE']):
        raise UserError('--launcher mpi: MASTER_ADDR is not set; expected the address of the '
                        'machine of the first process: mpirun -x MASTER_ADDR=10.0.0.1 ...')
    os.environ['MASTER_ADDR'] = '127.0.0.1'


def _wrap_for_cpu(cfg: Config) -> None:
    """mmengine hands DistributedDataParallel a CUDA device unless the config names another."""
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel', broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    wrapper.setdefault('device_ids', None)
    cfg.model_wrapper_cfg = wrapper


def _first_host() -> str:
    hosts = subprocess.run(['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']],
                           capture_output=True, text=True, check=True)
    return hosts.stdout.split()[0]
