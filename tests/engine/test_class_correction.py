"""Rare classes made up for twice, by the sampler and by the loss: a warning at the start."""
import logging
from types import SimpleNamespace

import pytest

from ssfer_mm.engine.class_correction import warn_of_double_correction
from ssfer_mm.models import LogitAdjustment
from support.runs import config, train


def warnings(caplog, balance, stages=('supervised', 'semi'), **adjust):
    parts = dict(dict(adjust=None, semi_adjust=None), **adjust)
    loop = SimpleNamespace(sampler=SimpleNamespace(balance=balance),
                           stages=[SimpleNamespace(name=name) for name in stages])
    warn_of_double_correction(SimpleNamespace(
        model=SimpleNamespace(**parts), train_loop=loop, logger=logging.getLogger('correction')))
    return caplog.messages


@pytest.mark.parametrize('part, setting', [
    ('adjust', 'model.logit_adjustment'), ('semi_adjust', 'model.semi_logit_adjustment')])
def test_more_than_one_in_all_is_told(caplog, part, setting):
    said, = warnings(caplog, 0.5, **{part: LogitAdjustment(0.75)})
    assert f'balance=0.5 and {setting}.tau=0.75 correct class frequencies twice' in said
    assert 'to the power of -0.25' in said
    assert f'sampler.balance=0.25, or {setting}.tau=0.5.' in said


@pytest.mark.parametrize('balance, tau, stages', [
    (0, 1., ('supervised', )), (1., 0., ('supervised', )), (0.5, 0.5, ('supervised', )),
    (0.1, 0.9, ('supervised', )), (1., 1., ('semi', ))])
def test_one_of_them_or_less_is_fine(caplog, balance, tau, stages):
    assert warnings(caplog, balance, stages, adjust=LogitAdjustment(tau)) == []


def test_a_run_says_it(tmp_path):
    cfg = config(tmp_path)
    cfg.train_dataloader.sampler.balance = 1.
    cfg.model.semi_logit_adjustment = dict(type='LogitAdjustment')
    train(cfg)
    text = ''.join(path.read_text() for path in tmp_path.glob('*/*.log'))
    assert text.count('correct class frequencies twice') == 1
