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


@pytest.mark.parametrize('settings, batches, added, warned', [
    (dict(ema_decay=0.999), 200, 1, True),  # 100 epochs of the 69 labels of somebody's own faces
    (dict(ema_decay=0.999), 1900, 1, False),  # of 5 % of RAF-DB
    (dict(ema_decay=0.999), 1900, 9, True),  # gradients of nine batches to a step
    (dict(ema_decay=0.999, ema_warmup=True), 200, 1, False),
    (dict(ema_decay=0.), 1, 1, False),
])
@pytest.mark.parametrize('in_stages', [True, False])
def test_a_teacher_that_hardly_moves_is_a_warning(settings, batches, added, warned, in_stages,
                                                  caplog):
    loop = SimpleNamespace(stages=[SimpleNamespace(begin_iter=0, end_iter=batches)])
    EMATeacherHook().before_train(SimpleNamespace(
        model=build(**settings), train_loop=loop if in_stages else object(), max_iters=batches,
        optim_wrapper=SimpleNamespace(_accumulative_counts=added),
        logger=logging.getLogger('teacher')))
    assert ('of the weights that the run begins with' in caplog.text) == warned
    assert 'still hold 82% of' in caplog.text or not warned or added > 1
