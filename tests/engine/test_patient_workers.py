"""Loader processes leave signals to the training, for a while."""
import os
import signal
import subprocess
import time

import pytest
from torch.utils.data import DataLoader, Dataset

from ssfer_mm.engine import patient_workers


class Pids(Dataset):
    """Which process an item comes from, and whether its own beginning was called."""
    begun = False

    def __len__(self):
        return 40

    def __getitem__(self, index):
        return os.getpid(), Pids.begun


def begin(worker):
    Pids.begun = True


def batches():
    loader = DataLoader(Pids(), num_workers=1, worker_init_fn=begin, prefetch_factor=1,
                        multiprocessing_context='fork')
    patient_workers.make_workers_patient(loader)
    return iter(loader)


def sent_by_another(number, worker):
    """As a shell or Slurm does it."""
    subprocess.run(['kill', f'-{int(number)}', str(int(worker))], check=True)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_batches_go_on_after_a_signal(number):
    stream = batches()
    worker, begun = next(stream)
    assert begun
    sent_by_another(number, worker)
    assert [int(pid) for pid, _ in stream] == [int(worker)] * 39


def test_patience_ends(monkeypatch):
    """A worker that hangs must not outlast those who end it."""
    monkeypatch.setattr(patient_workers, 'PATIENCE', 1)
    stream = batches()
    worker, _ = next(stream)
    sent_by_another(signal.SIGTERM, worker)
    with pytest.raises(RuntimeError, match='Alarm clock'):  # torch sees it end
        time.sleep(30)


def test_the_training_itself_is_obeyed_at_once():
    """Python ends workers so that are left where a program ends, and waits for them."""
    stream = batches()
    worker, _ = next(stream)
    process = stream._workers[0]
    os.kill(int(worker), signal.SIGTERM)
    process.join(timeout=30)
    assert process.exitcode == 0


def test_without_workers_there_is_nothing_to_do():
    loader = DataLoader(Pids())
    patient_workers.make_workers_patient(loader)
    assert loader.worker_init_fn is None
