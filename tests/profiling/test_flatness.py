"""Which series of measurements count as growing, and which processes can be judged at all."""
import numpy as np
import pytest

from ssfer_mm.profiling.flatness import ALL, flatness, judge_all
from ssfer_mm.profiling.process_memory import Series

STEPS = np.arange(20, 5001, 20)
NOISE = np.random.default_rng(0).normal(0, 2, len(STEPS))


def series(mib, first=0):
    return Series(STEPS[first:].tolist(), np.broadcast_to(mib, STEPS.shape)[first:].tolist())


@pytest.mark.parametrize('mib, growth', [
    pytest.param(500 + 0 * STEPS, 0, id='constant'),
    pytest.param(500 + NOISE, 0, id='noise'),
    pytest.param(500 + 300 * (STEPS < 900), 0, id='what is given back after the warm-up began'),
    pytest.param(np.minimum(300 + STEPS / 4, 500), 0, id='a cache that fills in the warm-up'),
    pytest.param(500 + 50 * (STEPS % 500 == 0), 0, id='peaks of checkpoints'),
    pytest.param(400 + STEPS / 200 + NOISE, 0.05, id='a slow leak: 5 MiB per 1,000'),
    pytest.param(500 + 25 * (STEPS > 4000), 0.05, id='a step near the end'),
])
def test_growth(mib, growth):
    judged = flatness(series(mib), begin=1000)
    assert judged.growth == pytest.approx(growth, abs=0.008)
    assert judged.is_flat(0.02) == (growth == 0)


def test_a_step_in_the_last_tenth_counts_in_full():
    judged = flatness(series(500 + 25 * (STEPS > 4600)), begin=1000)
    assert judged.growth == pytest.approx(.05, abs=.002)


def test_figures_of_a_line():
    judged = flatness(series(100 + STEPS / 100), begin=1000)
    assert judged.slope == pytest.approx(10)  # MiB per 1,000 iterations
    assert (judged.first, judged.last) == (1000, 5000)
    assert judged.highest == pytest.approx(150)
    assert judged.growth == pytest.approx(40 / 110)


def test_shrinking_is_no_leak():
    assert flatness(series(500 - STEPS / 50), begin=1000).is_flat(0.02)


def test_each_process_warms_up_and_short_lives_are_not_judged():
    late = np.where(STEPS < 2200, 90 + STEPS / 10, 310.)  # appears at 1,520, settles at 2,200
    lives = {'main': series(500.), 'worker 1': series(late, first=75),
             'worker 2': Series([4600, 4800, 5000], [10., 20., 30.])}
    judged = judge_all(lives, warm_up=1000)
    assert list(judged) == ['main', 'worker 1', 'worker 2', ALL]
    assert judged['main'].growth == judged['worker 1'].growth == 0
    assert judged['worker 1'].first >= 2200 and judged['worker 2'] is None
    assert judged[ALL].first == judged['worker 1'].first


def test_less_than_half_of_the_time_that_counts_is_too_short():
    """From 2,800 on: 2,200 of 4,000, of which a fifth is its warm-up."""
    judged = judge_all({'main': series(500.), 'worker': series(100., first=139)}, 1000)
    assert judged['worker'] is None and judged['main'] is not None


def test_a_leak_of_a_worker_is_found_in_it():
    judged = judge_all({'main': series(900.), 'worker 1': series(100 + STEPS / 500)}, 1000)
    assert judged['main'].is_flat(0.02) and not judged['worker 1'].is_flat(0.02)
