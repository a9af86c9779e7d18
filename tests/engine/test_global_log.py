"""The figures of the log: fetched at once, and still tensors."""
import torch
from mmpretrain.registry import HOOKS


def test_one_process_gets_the_same_figures():
    outputs = dict(loss=torch.tensor(0.5, requires_grad=True), skipped=3,
                   coverage=torch.tensor(0.25).double(), lr=0.125)
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, outputs)
    assert {name: value.item() for name, value in outputs.items()} == dict(
        loss=0.5, skipped=3, coverage=0.25, lr=0.125)
    for value in outputs.values():
        assert value.shape == () and value.device.type == 'cpu' and not value.requires_grad


def test_nothing_to_log_is_no_error():
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, None)
