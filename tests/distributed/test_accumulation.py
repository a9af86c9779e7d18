"""Gradients accumulated over several batches act as those of one large batch."""
import pytest

from ssfer_mm.apis import train
from support.world import LogRecorder, calm, largest_difference, two_stages


def run(work_dir, parts, epochs=(2, 2), **batches):
    """Train with batches a ``parts``-th as large, and a constant learning rate."""
    cfg = calm(two_stages(work_dir, 1, epochs=epochs, **batches))
    cfg.model.data_preprocessor.facemix = None
    cfg.param_scheduler, cfg.train_cfg.semi.param_scheduler = None, []
    cfg.optim_wrapper.accumulative_counts = parts
    cfg.train_cfg.semi.optim_wrapper.accumulative_counts = parts
    runner = train(cfg)
    recorder = next(hook for hook in runner.hooks if isinstance(hook, LogRecorder))
    return runner.model.state_dict(), recorder.figures


def test_two_halves_are_one_batch(tmp_path):
    whole, expected = run(tmp_path / 'whole', 1)
    halves, figures = run(tmp_path / 'halves', 2, labeled=4, semi=(2, 2))
    assert len(figures) == 2 * len(expected) == 24
    for step, reference in enumerate(expected):
        for name, value in reference.items():
            mean = (figures[2 * step][name] + figures[2 * step + 1][name]) / 2
            assert mean == pytest.approx(value, abs=1e-5), (step, name)
    assert largest_difference(halves, whole) <= 1e-5
    assert int(halves['ema_steps']) == 12, 'the teacher moves once per optimizer step'


def test_each_stage_ends_with_a_step(tmp_path):
    """Of 3 batches per stage, 2 make a step and the last one makes its own."""
    weights, _ = run(tmp_path, 2, epochs=(1, 1))
    assert int(weights['ema_steps']) == 4
