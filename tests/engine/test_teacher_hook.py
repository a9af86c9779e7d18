"""The teacher follows optimizer steps that were made, and no others."""
import logging
from types import SimpleNamespace

import pytest
import torch

from ssfer_mm.engine.teacher_hook import EMATeacherHook
from support.ssfer_steps import build, losses_of, semi_batch


@pytest.mark.parametrize('overflow, steps', [(None, 1), (0., 1), (1., 0)])
def test_a_fused_step_that_overflowed_does_not_move_the_teacher(overflow, steps):
    """A gradient scaler notes the overflow on fused optimizers, and calls them all the same."""
    model = build()
    optimizer = torch.optim.AdamW(model.student.parameters(), fused=True)
    hook = EMATeacherHook()
    hook.before_train_epoch(SimpleNamespace(
        model=model, optim_wrapper=SimpleNamespace(optimizer=optimizer)))
    if overflow is not None:
        optimizer.found_inf = torch.tensor(overflow)
    losses_of(model, semi_batch())['loss_labeled'].backward()
    optimizer.step()
    assert int(model.ema_steps) == steps


@pytest.mark.parametrize('settings, steps, warned', [
    (dict(ema_decay=0.999), 200, True),  # 100 epochs of the 69 labels of somebody's own faces
    (dict(ema_decay=0.999), 1900, False),  # of 5 % of RAF-DB
    (dict(ema_decay=0.999, ema_warmup=True), 200, False),
    (dict(ema_decay=0.), 1, False),
])
def test_a_teacher_that_hardly_moves_is_a_warning(settings, steps, warned, caplog):
    stage = SimpleNamespace(begin_iter=0, end_iter=steps)
    EMATeacherHook().before_train(SimpleNamespace(
        model=build(**settings), train_loop=SimpleNamespace(stages=[stage]),
        logger=logging.getLogger('teacher')))
    assert ('still hold 82% of the weights that the run begins with' in caplog.text) == warned
