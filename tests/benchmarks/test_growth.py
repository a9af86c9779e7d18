"""The growth benchmark: trainings are watched, rates fitted, predictions compared and drawn."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / 'benchmarks'))
import growth  # noqa: E402
import growth_report  # noqa: E402
import growth_runs  # noqa: E402

LOG = """
import time
for epoch in (1, 2):
    for step in (1, 2):
        print(f'11/26 - mmengine - INFO - Epoch(train)  [{epoch}][{step}/2]  lr: 1', flush=True)
        time.sleep({pause})
"""


def test_a_training_is_watched_and_left():
    program = LOG.replace('{pause}', '.05' if sys.platform.startswith('linux') else '0')
    marks = growth_runs.watch([sys.executable, '-c', program], last=(2, 1))
    assert [(mark.epoch, mark.iteration) for mark in marks] == [(1, 1), (1, 2), (2, 1)]
    assert growth.difference(marks[0], marks[2])['seconds'] > .08
    assert marks[-1].memory[0] > 1 and marks[-1].cpu >= 0


def test_a_training_that_ends_early_is_an_error():
    with pytest.raises(SystemExit, match='before epoch 9'):
        growth_runs.watch([sys.executable, '-c', LOG.replace('{pause}', '0')], last=(9, 1))


def test_steps_stand_for_configs_that_can_be_built():
    cfg = growth.load_config(str(growth.CONFIG), growth.parsed(growth.settings_of(32, 64, 2, 8)))
    assert growth.Pretraining(cfg).parameters < 300_000
    assert cfg.train_dataloader.batch_size == 8
    assert set(growth.FITTED) < set(growth.STEPS)


def a_result():
    """Measurements of a machine that does 1 GFLOP/s, 1 GB/s and a call per millisecond."""
    steps = []
    for name, (pixels, width, depth, batch) in growth.STEPS.items():
        flops, touched, calls = 1e5 * pixels * width * depth / 288, 1e4 * pixels**2, 10. * depth
        seconds = batch * (flops + touched) / 1e9 + calls / 1e3
        steps.append(dict(
            name=name, pixels=pixels, width=width, depth=depth, batch=batch,
            parameters=1000 * width, step_ms=dict(wall=1e3 * seconds, cpu=1e3 * seconds),
            work=dict(per_image=dict(flops=flops, bytes=touched, operations=0.),
                      per_step=dict(flops=0., bytes=0., operations=calls)),
            worker_ms=1., memory_mib=dict(main=1.)))
    spent = dict(cpu=1., main_mib=1., workers_mib=1.)
    return dict(
        machine=dict(processor='Abacus', torch='3'), steps=steps,
        epochs=[dict(images=count, seconds=10., **spent) for count in growth.EPOCHS_OF],
        memory=[dict(kind=kind, images=count, main_mib=3., workers_mib=2.)
                for kind, counts in growth.MEMORY_OF.items() for count in counts],
        processes=[dict(processes=number, images_per_second=99., seconds=10., **spent)
                   for number in (1, 2)])


@pytest.mark.parametrize('clock, epoch', [('wall', 10.), ('cpu', 1.)])
def test_a_machine_that_keeps_to_the_model_is_predicted(tmp_path, clock, epoch):
    result = dict(a_result(), clock=clock)
    result['compared'] = growth.compare(result, clock)
    assert result['compared'][-1]['measured'] == epoch
    assert result['device']['flops'] == pytest.approx(1e9, rel=1e-3)
    assert result['device']['call'] == pytest.approx(1e-3, rel=1e-3)
    errors = {row['name']: row['error'] for row in result['compared']}
    assert all(abs(errors[name]) < 1e-3 for name in growth.STEPS)
    text = growth_report.tables(result)
    assert 'epoch of 1,024 images' in text and '| 2 | 99 | 1.0 s |' in text
    growth_report.draw(result, tmp_path / 'growth.png')
    assert (tmp_path / 'growth.png').stat().st_size > 10_000
