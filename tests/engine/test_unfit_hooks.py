"""Hooks that would spoil a run are refused before it begins, and so is a run that lacks its own."""
import pytest
from mmengine.hooks import EarlyStoppingHook

from ssfer_mm import UserError
from ssfer_mm.engine.unfit_hooks import UNFIT, check_hooks
from support import runs

EXAMPLES = dict(
    EarlyStoppingHook=dict(type='EarlyStoppingHook', monitor='accuracy'),
    EMAHook=dict(type='mmengine.EMAHook'),
    PreciseBNHook=dict(type='PreciseBNHook'),
    SwitchRecipeHook=dict(type='SwitchRecipeHook', schedule=[dict(action_epoch=1)]))


@pytest.mark.parametrize('name', sorted(UNFIT))
def test_training_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=f'{name} does not go with .* Remove it'):
        runs.train(runs.config(tmp_path, hooks=[EXAMPLES[name]]))
    assert not list(tmp_path.glob('**/*.pth'))


@pytest.mark.parametrize('own, words', [
    ([], r"no TwoStageFinetuneHook, .* custom_hooks=\[\*_base_\.custom_hooks, \.\.\.\], or add "),
    (['TwoStageFinetuneHook'], 'no EMATeacherHook, so the teacher never moves: custom_hooks of a')])
def test_a_list_that_replaces_those_of_the_base_config_is_refused(tmp_path, own, words):
    hooks = [dict(type=name) for name in (*own, 'EmptyCacheHook')]
    with pytest.raises(UserError, match=words):
        runs.train(runs.config(tmp_path, custom_hooks=hooks))
    assert not list(tmp_path.glob('**/*.pth'))


def test_so_is_a_class_made_from_one():
    class Patient(EarlyStoppingHook):
        pass

    with pytest.raises(UserError, match='EarlyStoppingHook'):
        check_hooks([Patient(monitor='accuracy')])
