"""Joining several processes, and the launchers ``tools/*.sh`` that start them."""
import os
import shutil
import socket
import stat
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config

from ssfer_mm.apis.training import distributed, launch
from ssfer_mm.command_line import run
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.launched import NAMES
from support.shrink import REPO

TOOLS = REPO / 'tools'


@pytest.mark.skipif(torch.cuda.is_available(), reason='mmengine joins the group itself')
@pytest.mark.parametrize('launcher', ['pytorch', 'mpi'])
def test_processes_without_a_gpu_use_gloo(monkeypatch, launcher):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    for name, value in zip(NAMES[launcher], '010'):
        monkeypatch.setenv(name, value)
    for name, value in (('MASTER_ADDR', '127.0.0.1'), ('MASTER_PORT', str(port)),
                        ('RANK', '0'), ('WORLD_SIZE', '1'), ('LOCAL_RANK', '0')):
        monkeypatch.setenv(name, value)
    cfg = Config(dict(launcher=launcher, env_cfg=dict(dist_cfg=dict(backend='nccl', timeout=60))))
    try:
        distributed.start_processes(cfg)
        assert dist.get_backend() == 'gloo' == cfg.env_cfg.dist_cfg.backend
        assert dist.get_world_size() == 1
        runner = launch.Runner.__new__(launch.Runner)
        runner._distributed, runner.cfg = True, cfg
        wrapped = runner.wrap_model(cfg.model_wrapper_cfg, torch.nn.Linear(2, 2))
        assert wrapped.device_ids is None and not wrapped.broadcast_buffers
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def test_jobs_of_slurm_have_ports_of_their_own(monkeypatch):
    """The same one for all processes of a job."""
    for name, value in zip(NAMES['slurm'], '010'):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    ports = []
    for job in ('71234', '71235'):
        monkeypatch.setenv('SLURM_JOB_ID', job)
        monkeypatch.setenv('MASTER_PORT', '')  # so that it is put back
        monkeypatch.delenv('MASTER_PORT')
        distributed.start_processes(Config(dict(launcher='slurm')))
        ports.append(os.environ['MASTER_PORT'])
    assert ports == ['21234', '21235']
    distributed.start_processes(Config(dict(launcher='slurm')))
    assert os.environ['MASTER_PORT'] == '21235', 'a port that is given is kept'


@pytest.mark.parametrize('launcher', NAMES)
def test_only_the_first_process_says_how_to_resume(capsys, monkeypatch, launcher):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--launcher', launcher])
    for rank in '01':
        for name, number in zip(NAMES[launcher], (rank, '2', rank)):
            monkeypatch.setenv(name, number)
        assert run.run_cli(interrupted, resumable=True) == 130
        said = capsys.readouterr().err
        assert ('and --resume' in said) == (rank == '0') == bool(said)


@pytest.mark.parametrize('machines, where', [('1', ''), ('2', ', on every machine, with NNODES')])
def test_an_interrupted_run_of_dist_train_names_its_command(capsys, monkeypatch, machines, where):

    def interrupted():
        raise KeyboardInterrupt

    for name, value in dict(RANK='0', WORLD_SIZE='4', LOCAL_WORLD_SIZE='2',
                            GROUP_WORLD_SIZE=machines).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, 'argv', ['/here/tools/train.py', 'c.py', '--launcher', 'pytorch',
                                      '--resume', 'old.pth', '--work-dir', 'a b'])
    assert run.run_cli(interrupted, resumable=True) == 130
    said = capsys.readouterr().err
    assert said.endswith(": /here/tools/dist_train.sh c.py 2 --work-dir 'a b' --resume\n")
    assert f'checkpoint with{where}' in said


def test_one_process_of_dist_train_goes_on_with_dist_train_too(capsys, monkeypatch):
    """``python tools/train.py CONFIG --launcher pytorch`` would be refused."""

    def interrupted():
        raise KeyboardInterrupt

    for name in ('RANK', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '0')
    for name in ('WORLD_SIZE', 'LOCAL_WORLD_SIZE', 'GROUP_WORLD_SIZE'):
        monkeypatch.setenv(name, '1')
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--launcher', 'pytorch'])
    assert run.run_cli(interrupted, resumable=True) == 130
    assert capsys.readouterr().err.endswith(': tools/dist_train.sh c.py 1 --resume\n')


@pytest.mark.parametrize('found, words', [(None, 'RANK is not set;'), ('', "RANK is '';"),
                                          ('first', "RANK is 'first';")])
def test_a_launcher_without_its_environment_is_refused(monkeypatch, found, words):
    for name in NAMES['pytorch']:
        monkeypatch.setenv(name, '1')
    if found is None:
        monkeypatch.delenv('RANK')
    else:
        monkeypatch.setenv('RANK', found)
    with pytest.raises(UserError, match=words):
        distributed.start_processes(Config(dict(launcher='pytorch')))


@pytest.mark.parametrize('said, is_echo', [
    ('[.../tcp/pair.cc:545] Read error [127.0.0.1]:40851: Connection reset by peer. This is '
     'typically caused by a remote worker hanging up.', True),
    ('[../pair.cc:553] Connection closed by peer [127.0.0.1]:1234', True),
    ('NCCL error: remote process exited or there was a network error', True),
    ('mat1 and mat2 shapes cannot be multiplied', False)])
def test_what_survivors_say_of_a_dead_process(capsys, monkeypatch, said, is_echo):
    """Of a process that was killed nothing else is heard, but the line of tools/torchrun.py."""

    def training():
        raise RuntimeError(said)

    for name, value in dict(RANK='1', WORLD_SIZE='2', LOCAL_WORLD_SIZE='2',
                            GROUP_WORLD_SIZE='1').items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--launcher', 'pytorch'])
    if not is_echo:
        with pytest.raises(RuntimeError):
            run.run_cli(training, resumable=True)
        return
    assert run.run_cli(training, resumable=True) == 1
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith('error: another process of this run has ended.')
    assert line.endswith('checkpoint with: tools/dist_train.sh c.py 2 --resume')


@pytest.mark.parametrize('processes, run_id, refused', [
    ('2', 'none', True), ('1', 'none', False), ('2', None, False)
])
def test_torchrun_alone_does_not_train_one_run_many_times(monkeypatch, processes, run_id, refused):
    """Ranks of a pod, without torchrun, are no reason to refuse."""
    monkeypatch.setenv('WORLD_SIZE', processes)
    monkeypatch.delenv('TORCHELASTIC_RUN_ID', raising=False)
    if run_id:
        monkeypatch.setenv('TORCHELASTIC_RUN_ID', run_id)
    if refused:
        with pytest.raises(UserError, match='add --launcher pytorch'):
            distributed.start_processes(Config())
    else:
        distributed.start_processes(Config())


@pytest.mark.parametrize('here, address', [('2', '127.0.0.1'), ('1', None), (None, None)])
def test_processes_of_mpi_on_gpus_know_where_to_meet(monkeypatch, here, address):
    """mmengine ends in a KeyError; only on one machine there is no choice."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    for name, value in zip(NAMES['mpi'], '020'):
        monkeypatch.setenv(name, value)
    for name, value in (('MASTER_ADDR', None), ('OMPI_COMM_WORLD_LOCAL_SIZE', here)):
        monkeypatch.setenv(name, '')  # so that it is put back
        monkeypatch.delenv(name)
        if value:
            monkeypatch.setenv(name, value)
    if address is None:
        with pytest.raises(UserError, match='mpirun -x MASTER_ADDR='):
            distributed.start_processes(Config(dict(launcher='mpi')))
        monkeypatch.setenv('MASTER_ADDR', address := '10.0.0.1')
    distributed.start_processes(Config(dict(launcher='mpi')))
    assert os.environ['MASTER_ADDR'] == address


def run_script(tmp_path, script, *arguments, before=(), **environment):
    """Run a launcher with a `python` or `srun` that prints its arguments."""
    for name in ('python', 'srun'):
        fake = tmp_path / name
        fake.write_text('#!/bin/sh\necho "OMP=$OMP_NUM_THREADS"\nprintf "%s\\n" "$@"\n')
        fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    clean = {key: value for key, value in os.environ.items()
             if key not in ('OMP_NUM_THREADS', 'NNODES', 'PORT', 'PYTHON', 'GPUS')}
    return subprocess.run(
        [*before, str(TOOLS / script), *arguments], capture_output=True, text=True, timeout=30,
        env={**clean, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', **environment})


def test_dist_train_on_one_machine(tmp_path):
    done = run_script(tmp_path, 'dist_train.sh', 'my config.py', '64', '--cfg-options', 'a=b c')
    lines = done.stdout.splitlines()
    assert lines[0] == 'OMP=1', 'fewer cores than processes'
    assert lines[1:5] == [str(TOOLS / 'torchrun.py'), '--standalone', '--nproc_per_node', '64']
    assert lines[5:] == [str(TOOLS / 'train.py'), 'my config.py', '--launcher', 'pytorch',
                         '--cfg-options', 'a=b c']


@pytest.mark.skipif(not all(map(shutil.which, ('taskset', 'nproc'))), reason='no taskset here')
def test_processes_share_the_cores_that_their_job_has(tmp_path):
    """Slurm and taskset leave it a part of them."""
    one = str(min(os.sched_getaffinity(0)))
    done = run_script(tmp_path, 'dist_train.sh', 'c.py', '1', before=('taskset', '-c', one))
    assert done.stdout.startswith('OMP=1\n')


def test_dist_train_on_several_machines_and_own_threads(tmp_path):
    done = run_script(tmp_path, 'dist_train.sh', 'c.py', '8', NNODES='2', NODE_RANK='1',
                      PORT='1234', MASTER_ADDR='10.0.0.1', OMP_NUM_THREADS='3')
    assert done.stdout.startswith('OMP=3\n')
    assert ('--nnodes\n2\n--node_rank\n1\n--master_addr\n10.0.0.1\n--master_port\n1234\n'
            '--nproc_per_node\n8\n') in done.stdout


@pytest.mark.parametrize('name', ['NODE_RANK', 'MASTER_ADDR'])
def test_several_machines_have_to_know_where_to_meet(tmp_path, monkeypatch, name):
    """Each would take itself for the first one, and wait for the others."""
    meeting = dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='10.0.0.1')
    monkeypatch.delenv(name, raising=False)
    del meeting[name]
    done = run_script(tmp_path, 'dist_train.sh', 'c.py', '8', **meeting)
    assert done.returncode == 2 and 'error: NNODES is 2; expected NODE_RANK' in done.stderr


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_a_port_in_use_is_refused_where_it_would_be_opened(tmp_path, script):
    arguments = ['c.py', '2'] if script == 'dist_train.sh' else ['c.py', 'a.pth', '2']
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = run_script(tmp_path, script, *arguments, PORT=port)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith(f'error: port {port} of this machine is in use: set PORT')
        done = run_script(tmp_path, script, *arguments, PORT=port, NNODES='2', NODE_RANK='1',
                          MASTER_ADDR='127.0.0.1')
        assert done.returncode == 0, 'the port of another machine'


def test_dist_test_passes_the_checkpoint(tmp_path):
    done = run_script(tmp_path, 'dist_test.sh', 'c.py', 'a b.pth', '2', '--out', 'o.json')
    assert done.stdout.splitlines()[5:] == [
        str(TOOLS / 'test.py'), 'c.py', 'a b.pth', '--launcher', 'pytorch', '--out', 'o.json']


def test_slurm_train(tmp_path):
    done = run_script(tmp_path, 'slurm_train.sh', 'gpu', 'my job', 'c.py', '--amp', GPUS='4',
                      SRUN_ARGS='--time=1:00 --mem=4G')
    lines = done.stdout.splitlines()
    assert {'--partition=gpu', '--job-name=my job', '--ntasks=4', '--gres=gpu:4',
            '--ntasks-per-node=4', '--time=1:00', '--mem=4G'} <= set(lines)
    assert lines[-4:] == ['c.py', '--launcher', 'slurm', '--amp']


@pytest.mark.parametrize('script, arguments, words', [
    ('dist_train.sh', ['c.py'], 'usage'),
    ('dist_train.sh', ['c.py', 'two'], "N is 'two'"),
    ('dist_test.sh', ['c.py', 'a.pth'], 'usage'),
    ('slurm_train.sh', ['gpu'], 'usage'),
])
def test_scripts_explain_themselves(tmp_path, script, arguments, words):
    done = run_script(tmp_path, script, *arguments)
    assert done.returncode == 2 and words in done.stderr


# A loader ends while it makes the third image, and PyTorch says so wherever the training is.
DOOMED = '''
import os, sys, time
from torch.utils.data import DataLoader
from ssfer_mm.command_line.run import run_cli
class Images(list):
    def __getitem__(self, index):
        if index == 2:
            os.kill(os.getpid(), 9)
        return index
loader = DataLoader(Images(range(8)), num_workers=1, multiprocessing_context='fork')
def take():
    for _ in loader:
        time.sleep(float(sys.argv[1]))
sys.exit(run_cli(take, resumable=True))
'''


@pytest.mark.parametrize('pause', ['0', '1'])  # waiting for a batch, and busy with one
def test_a_loader_that_the_kernel_kills_is_named(pause):
    """Not in a traceback through the training, where nobody learns what to do."""
    ended = subprocess.run([sys.executable, '-c', DOOMED, pause], cwd=REPO, capture_output=True,
                           text=True)
    line = ended.stderr.splitlines()[-1]
    assert ended.returncode == 1 and 'Traceback' not in ended.stderr
    assert line.startswith('error: ') and 'that loads images for this one was killed' in line
    assert 'num_workers' in line and '--resume' in line
