"""The figures of the log: fetched at once, and still tensors."""
import torch
from mmpretrain.registry import HOOKS


def test_one_process_gets_the_same_figures():
    figures = dict(loss=torch.tensor(0.1, requires_grad=True), skipped=3,
                   coverage=torch.tensor(0.25).double(), lr=0.5)
    outputs = dict(figures)
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, outputs)
    assert list(outputs) == list(figures)
    for name, value in outputs.items():
        assert value.shape == () and value.device.type == 'cpu' and not value.requires_grad
        assert value.item() == torch.tensor(float(figures[name])).item()


def test_nothing_to_log_is_no_error():
    HOOKS.build(dict(type='GlobalLogHook')).after_train_iter(None, 0, None, None)
