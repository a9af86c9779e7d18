"""Two runs are the same only if there is something that is the same."""
import pytest
import torch

from ssfer_mm import UserError
from ssfer_mm.apis.trials.compare_runs import compare_runs, compare_values


def test_runs_without_checkpoints_are_not_called_the_same(tmp_path):
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match='no checkpoint'):
        compare_runs(tmp_path / 'one', tmp_path / 'other')
    with pytest.raises(UserError, match='no checkpoint'):
        compare_runs(tmp_path / 'nowhere', tmp_path / 'nowhere')


def test_half_precision_is_compared_too():
    ones = torch.ones(3, dtype=torch.bfloat16)
    assert compare_values(dict(a=ones), dict(a=ones.clone())) == []
    line, = compare_values(dict(a=ones), dict(a=2 * ones))
    assert line == 'a: values of shape (3,) with sum 3.0 and values of shape (3,) with sum 6.0'
    assert compare_values(dict(a=torch.tensor([0.])), dict(a=torch.tensor([-0.])))


def test_a_checkpoint_of_a_moment_may_be_in_one_of_them(tmp_path):
    """The clock wrote it: the others are compared all the same."""
    for name, value in (('one', 1.), ('other', 2.)):
        (tmp_path / name).mkdir()
        torch.save(dict(state_dict=dict(weight=torch.tensor([value]))),
                   tmp_path / name / 'epoch_1.pth')
    torch.save(dict(state_dict=dict()), tmp_path / 'one' / 'iter_7.pth')
    line, = compare_runs(tmp_path / 'one', tmp_path / 'other')
    assert line.startswith('epoch_1.pth: state_dict.weight')
    torch.save(dict(state_dict=dict()), tmp_path / 'one' / 'epoch_2.pth')
    line, = compare_runs(tmp_path / 'one', tmp_path / 'other')
    assert line.startswith('files: ')
