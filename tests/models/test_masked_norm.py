"""The norm of shown cells has mmpretrain's numbers and gradients, and hides the rest."""
import copy

import pytest
import torch
from mmpretrain.models.utils.sparse_modules import (
    SparseBatchNorm2d,
    SparseConv2d,
    SparseHelper,
)
from torch import nn

from ssfer_mm.errors import UserError
from ssfer_mm.models import MaskedBatchNorm2d

CELLS = 3


def show(batch, kept=4):
    """Other cells of every image."""
    order = torch.rand(batch, CELLS**2).argsort(dim=1)
    shown = (order < kept).view(batch, 1, CELLS, CELLS)
    SparseHelper._cur_active = shown
    return shown


def pixels(shown, side):
    return shown.repeat_interleave(side, 2).repeat_interleave(side, 3)


def pair(channels=5):
    """A plain convolution with this norm, and mmpretrain's two layers with the same weights."""
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    norm = MaskedBatchNorm2d(channels)
    nn.init.uniform_(norm.weight)
    nn.init.normal_(norm.bias)
    stock_conv = SparseConv2d(channels, channels, 3, padding=1, bias=False)
    stock_norm = SparseBatchNorm2d(channels)
    stock_conv.load_state_dict(conv.state_dict())
    stock_norm.load_state_dict(norm.state_dict())
    return [nn.Sequential(conv, norm).double(), nn.Sequential(stock_conv, stock_norm).double()]


@pytest.mark.parametrize('side', [1, 2, 4])
@pytest.mark.parametrize('layout', [torch.channels_last, torch.contiguous_format])
def test_it_is_the_norm_of_mmpretrain_behind_a_masked_convolution(side, layout):
    torch.manual_seed(side)
    shown = show(batch=6)
    images = torch.randn(6, 5, CELLS * side, CELLS * side, dtype=torch.float64)
    images = (images * pixels(shown, side)).to(memory_format=layout)
    weights = torch.randn_like(images)
    ours, stock = pair()
    results = []
    for layers in (ours, stock):
        x = images.clone().requires_grad_()
        y = layers(x)
        (y * weights).sum().backward()
        results.append((y, x.grad, *(p.grad for p in layers.parameters()), *layers.buffers()))
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-9)
    # As after training: with the running statistics.
    torch.testing.assert_close(ours.eval()(images), stock.eval()(images), rtol=1e-9, atol=1e-9)


def test_hidden_cells_neither_count_nor_come_out():
    shown = show(batch=4)
    norm, x = MaskedBatchNorm2d(2), torch.randn(4, 2, 6, 6)
    garbage = torch.where(pixels(shown, 2), x, 1e6 * torch.randn_like(x))
    other = copy.deepcopy(norm)
    assert torch.equal(norm(x), other(garbage))
    assert torch.equal(norm.running_var, other.running_var)
    assert not norm(garbage).masked_select(~pixels(shown, 2)).any()


def test_what_follows_may_write_into_the_result():
    """The ReLUs and the sums of a residual network do; autograd would copy views first."""
    show(batch=2)
    x = torch.randn(2, 2, 6, 6).to(memory_format=torch.channels_last).requires_grad_()
    out = MaskedBatchNorm2d(2)(x)
    assert not out._is_view() and out.is_contiguous(memory_format=torch.channels_last)
    torch.relu_(out).sum().backward()
    assert x.grad.is_contiguous(memory_format=torch.channels_last)


def test_gradients_by_finite_differences():
    show(batch=2)
    norm = MaskedBatchNorm2d(2).double()
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, x)


def test_a_mask_is_searched_once_per_step(monkeypatch):
    """Every search makes a GPU wait; the next mask is another one."""
    searches, nonzero = [], torch.Tensor.nonzero
    monkeypatch.setattr(torch.Tensor, 'nonzero', lambda x: searches.append(x) or nonzero(x))
    for steps in (1, 2):
        show(batch=2)
        for side in (4, 2, 2, 1):
            MaskedBatchNorm2d(3)(torch.randn(2, 3, CELLS * side, CELLS * side))
        assert len(searches) == steps


def test_a_norm_of_another_width_is_named():
    show(2)
    with pytest.raises(UserError, match='of 5 channels got 8: set model.enc_dec_norm_dim'):
        MaskedBatchNorm2d(5)(torch.zeros(2, 8, CELLS, CELLS))
