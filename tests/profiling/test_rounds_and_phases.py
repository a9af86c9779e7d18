"""Ratios within rounds, and each phase charged for itself only."""
import time
from types import SimpleNamespace

import pytest
import torch

from ssfer_mm.models.preprocessor import SSFERDataPreprocessor
from ssfer_mm.profiling import PhaseClock, Spent, attach_probes, median_ms, paired_ratio, timed

CPU = torch.device('cpu')


def test_ratios_are_taken_within_a_round():
    slow, fast = [Spent(2, 4), Spent(20, 4), Spent(3, 4)], [Spent(1, 1), Spent(10, 2), Spent(1, 4)]
    found = paired_ratio(slow, fast)
    assert found['wall']['median'] == 2 and found['cpu']['median'] == 2
    assert found['cpu']['quartiles'] == [1.5, 3]
    assert median_ms(slow) == dict(wall=3000, cpu=4000)


def test_a_block_gives_the_mean_of_its_steps():
    calls = []
    spent = timed(CPU, lambda: calls.append(time.sleep(0.01)), 3)
    assert len(calls) == 3 and spent.cpu < spent.wall and 0.01 <= spent.wall < 0.5


class Clockwork:
    """Time that passes only when told to."""

    now = 0.

    def wait(self, seconds):
        Clockwork.now += seconds


@pytest.fixture()
def clockwork(monkeypatch):
    Clockwork.now = 0.
    for name in ('perf_counter', 'process_time'):
        monkeypatch.setattr(time, name, lambda: Clockwork.now)
    return Clockwork()


def test_inner_phases_are_taken_from_outer_ones(clockwork):
    clock = PhaseClock(CPU)
    clock.wrap(clockwork, 'wait', 'inner')
    with clock.phase('outer'):
        Clockwork.now += 1
        clockwork.wait(10)
        Clockwork.now += 2
        with clock.phase('outer'):
            Clockwork.now += 4
    Clockwork.now += 100  # nobody's
    assert dict(clock.wall) == dict(outer=7, inner=10) == dict(clock.cpu)


def test_methods_are_given_back(clockwork):
    clock = PhaseClock(CPU)
    clockwork.own = own = clockwork.wait
    clock.wrap(clockwork, 'wait', 'a')
    clock.wrap(clockwork, 'own', 'b')
    clock.release()
    assert 'wait' not in vars(clockwork) and clockwork.own is own
    clockwork.wait(1)
    assert not clock.wall


@pytest.mark.parametrize('batch', [
    dict(inputs=dict(weak=torch.zeros(2, 3, 8, 8, dtype=torch.uint8)), data_samples={}),
    dict(inputs=torch.zeros(2, 3, 8, 8))], ids=['of several sources', 'as mmpretrain has them'])
def test_the_way_to_the_device_is_charged(batch):
    preprocessor = SSFERDataPreprocessor([0.] * 3, [1.] * 3, num_classes=3)
    model = SimpleNamespace(data_preprocessor=preprocessor, forward=print)
    optimizer = SimpleNamespace(backward=print, step=print, zero_grad=print)
    clock = PhaseClock(CPU)
    attach_probes(clock, SimpleNamespace(model=model, optim_wrapper=optimizer, call_hook=print))
    preprocessor(batch)
    clock.release()
    assert clock.wall['host to device'] > 0 and clock.wall['normalize'] > 0
