"""The figures of the log: plain numbers, fetched at once."""
import torch
from mmpretrain.registry import HOOKS


def test_one_process_gets_the_same_figures_as_plain_numbers():
    outputs = dict(loss=torch.tensor(0.1), coverage=torch.tensor(0.25).double(), skipped=3,
                   lr=0.5)
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, outputs)
    assert outputs == dict(loss=torch.tensor(0.1).item(), coverage=0.25, skipped=3, lr=0.5)
    assert all(type(value) is float for value in outputs.values())


def test_nothing_to_log_is_no_error():
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, None)
