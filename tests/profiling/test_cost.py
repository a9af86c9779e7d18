"""The cost model: each bound where it belongs, and rates that come back from timed steps."""
from dataclasses import replace

import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.profiling.arithmetic import StepWork, Work
from ssfer_mm.profiling.calibrate import fit_device
from ssfer_mm.profiling.cost import Device, Input, Training, predict
from ssfer_mm.profiling.devices import SHEETS, Shares, gpu

# 1 s of products, 1 s of memory, 0.5 s of calls per step of 10 images; gradients take 0.4 s.
WORK = StepWork(Work(flops=10, bytes=10), Work(operations=50))
GPU = Device('gpu', flops=100, bandwidth=100, call=.01, link=400, cores=4)
RUN = Training(images=1000, epochs=3, batch=10, processes=1, parameters=100, work=WORK,
               save_every=2)
FAST = Input(seconds=.01, workers=2, bytes=5000)


@pytest.mark.parametrize('what, device, source, step, bound', [
    ('networks are slowest', GPU, FAST, 2., 'networks'),
    ('the host calls too slowly', replace(GPU, call=.1), FAST, 5., 'calls'),
    ('two workers are too few', GPU, Input(1., 2, 0), 5., 'input'),
    ('eight workers on four cores', GPU, Input(1., 8, 0), 2.5, 'input'),
    ('no workers: loading and computing take turns', GPU, Input(.1, 0, 0), 3., 'networks'),
    ('no workers: loading takes longer', GPU, Input(.5, 0, 0), 7., 'input'),
    ('a CPU calls and computes in turn', replace(GPU, asynchronous=False), FAST, 2.5, 'networks'),
    ('a CPU core that also loads', replace(GPU, asynchronous=False, cores=1), FAST, 2.6, 'input'),
])
def test_a_step_waits_for_the_slowest(what, device, source, step, bound):
    cost = predict(RUN, device, source)
    assert cost.step == pytest.approx(step), what
    assert cost.bound == bound, what


def test_a_run_is_steps_first_batches_and_checkpoints():
    cost = predict(RUN, GPU, FAST, write_rate=1200)
    assert RUN.steps == 100 and RUN.checkpoint_bytes == 1200  # weights and two moments
    assert cost.epoch == pytest.approx(100 * 2 + .1)  # everybody waits for the first batch
    assert cost.total == pytest.approx(3 * cost.epoch + 2)  # after two epochs, and at the end
    assert cost.images_per_second == pytest.approx(5)
    assert cost.needed_per_worker == pytest.approx(2.5)
    assert cost.reading == pytest.approx(25_000)
    assert cost.storage == 1000 * 5000 + 2 * 1200


def test_the_clock_saves_where_epochs_are_long():
    """200.1 s each: every two epochs, or after three minutes."""
    by_epoch, both = (predict(replace(RUN, save_minutes=minutes), GPU, FAST, write_rate=1200)
                      for minutes in (60, 3))
    assert (by_epoch.saves, both.saves) == (2, 4) and by_epoch.kept == both.kept == 2
    assert both.total == pytest.approx(by_epoch.total + 2)
    every_step = predict(replace(RUN, save_minutes=0), GPU, FAST, write_rate=1200)
    assert every_step.saves == RUN.epochs * RUN.steps


def test_images_of_all_processes_count():
    one, four = (predict(replace(RUN, processes=n, parameters=0), GPU, FAST) for n in (1, 4))
    assert four.step == one.step
    assert four.images_per_second == pytest.approx(4 * one.images_per_second)
    assert four.reading == pytest.approx(4 * one.reading)


@pytest.mark.parametrize('what, epochs, every, keep, saves, kept', [
    ('the newest two', 600, 10, 2, 60, 2),
    ('all', 600, 10, None, 60, 60),
    ('more than are written', 600, 10, 1000, 60, 60),
    ('the end, too', 25, 10, None, 3, 3),
    ('within an epoch', 3, .1, None, 30, 30),
])
def test_checkpoints_that_are_written_and_kept(what, epochs, every, keep, saves, kept):
    run = replace(RUN, epochs=epochs, save_every=every, keep=keep)
    assert (run.saves, run.kept) == (saves, kept), what
    assert predict(run, GPU, FAST).storage == 1000 * 5000 + kept * 1200


@pytest.mark.parametrize('what, link, asynchronous, reduction', [
    ('hidden by the backward pass but for the last bucket', 1e9, True, .025),
    ('a slow link shows', 1e8, True, 2 - 4 / 3),
    ('on a CPU nothing is hidden', 1e9, False, .2),
])
def test_gradients_travel_beside_the_backward_pass(what, link, asynchronous, reduction):
    run = replace(RUN, processes=2, parameters=50_000_000)  # 2 x 1/2 x 4 bytes x weights
    device = replace(GPU, link=link, asynchronous=asynchronous)
    cost = predict(run, device, replace(FAST, seconds=0))
    assert cost.reduction == pytest.approx(reduction), what
    assert cost.device_hours == pytest.approx(2 * cost.total / 3600)


def test_rates_come_back_from_the_steps_they_made():
    truth = replace(GPU, asynchronous=False)
    works = [WORK.of(images) for images in (1, 8)] + [Work(500, 20, 10), Work(10, 900, 10)]
    found = fit_device('found', [(work, truth.seconds(work)) for work in works], cores=4, link=400)
    assert (found.flops, found.bandwidth, found.call) == pytest.approx((100, 100, .01))


def test_rates_are_not_negative():
    # The second step does more and takes less: no three rates explain it.
    steps = [(Work(1, 1, 1), 1.), (Work(2, 2, 1), .5), (Work(1, 2, 3), 1.)]
    device = fit_device('odd', steps, cores=1, link=1)
    assert device.flops > 0 and device.bandwidth > 0 and device.call >= 0


def test_too_few_steps_are_refused():
    with pytest.raises(UserError, match='three or more'):
        fit_device('few', [(Work(1, 1, 1), 1.)] * 2, cores=1, link=1)


def test_data_sheets_are_scaled_by_shares():
    sheet, device = SHEETS['a100'], gpu('a100', 8, Shares(flops=.5, bandwidth=1, link=1))
    assert device.flops == pytest.approx(.5e12 * sheet.teraflops) and device.cores == 8
    assert gpu('a100', 8, precision='float32').flops < device.flops / 5
    with pytest.raises(UserError, match='v100'):
        gpu('abacus', 1)
