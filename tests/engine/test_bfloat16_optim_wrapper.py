import copy

import torch
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


class Tiny(nn.Module):

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))

    def forward(self, images):
        return self.layers(images)


def wrapper(model, kind):
    return OPTIM_WRAPPERS.build(
        dict(type=kind, optimizer=torch.optim.SGD(model.parameters(), lr=0.1)))


def step(model, optim_wrapper, images):
    with optim_wrapper.optim_context(model):
        logits = model(images)
        loss = logits.float().square().mean()
    optim_wrapper.update_params(loss)
    return logits


def test_the_forward_pass_is_bfloat16_and_the_weights_stay_float32():
    model = Tiny()
    logits = step(model, wrapper(model, 'BFloat16OptimWrapper'), torch.randn(4, 3, 8, 8))
    assert logits.dtype == torch.bfloat16
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} <= {torch.float32}


def test_autocast_ends_with_the_step():
    model = Tiny()
    step(model, wrapper(model, 'BFloat16OptimWrapper'), torch.randn(4, 3, 8, 8))
    assert model(torch.randn(1, 3, 8, 8)).dtype == torch.float32


def test_a_step_goes_where_the_float32_step_goes():
    exact, rounded = Tiny(), Tiny()
    start, images = copy.deepcopy(exact), torch.randn(4, 3, 8, 8)
    step(exact, wrapper(exact, 'OptimWrapper'), images)
    step(rounded, wrapper(rounded, 'BFloat16OptimWrapper'), images)
    for a, b, before in zip(exact.parameters(), rounded.parameters(), start.parameters()):
        assert (a - b).norm() < 0.05 * (a - before).norm()
