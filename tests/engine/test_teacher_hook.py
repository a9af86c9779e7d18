"""The teacher follows optimizer steps that were made, and no others."""
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
