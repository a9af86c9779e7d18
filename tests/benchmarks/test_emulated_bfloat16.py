"""The emulated bfloat16 rounds as torch's own does."""
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ssfer_mm.engine.bfloat16_optim_wrapper import attention_as_matrix_products

sys.path.insert(0, str(Path(__file__).parents[2] / 'benchmarks'))
from emulated_bfloat16 import EmulatedBFloat16  # noqa: E402

ONE_STEP = 2.**-7  # of bfloat16's 8 bits: sums in another order may be rounded to the neighbor


def attention(inputs):
    heads = inputs.unflatten(-1, (2, -1)).transpose(1, 2)
    with attention_as_matrix_products():
        return nn.functional.scaled_dot_product_attention(heads, heads, heads)


NETWORKS = dict(linear=nn.Linear(24, 16), attention=attention,
                conv=lambda inputs: nn.Conv1d(6, 4, 3, padding=1)(inputs))


def results(network, inputs, weights):
    """Output and gradient of the input, in float32."""
    inputs = inputs.clone().requires_grad_()
    torch.manual_seed(1)
    with torch.autocast('cpu', torch.bfloat16):
        output = network(inputs)
    (output.float() * weights).sum().backward()
    return output.detach().float(), inputs.grad


@pytest.mark.parametrize('name', NETWORKS)
def test_forward_and_backward_pass_as_in_bfloat16(name):
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(5, 6, 24, generator=draw)
    torch.manual_seed(1)
    shape = NETWORKS[name](inputs).shape
    weights = torch.randn(shape, generator=draw)
    theirs = results(NETWORKS[name], inputs, weights)
    with EmulatedBFloat16():
        ours = results(NETWORKS[name], inputs, weights)
    exact = inputs.clone().requires_grad_()
    torch.manual_seed(1)
    (NETWORKS[name](exact) * weights).sum().backward()
    for own, other in zip(ours, theirs):
        assert torch.allclose(own, other, rtol=ONE_STEP, atol=ONE_STEP)
    assert not torch.equal(ours[1], exact.grad), 'nothing was rounded'


def test_only_products_of_bfloat16_are_emulated():
    seen = []

    class Listen(EmulatedBFloat16):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = super().__torch_dispatch__(func, types, args, kwargs)
            seen.append((func, result.dtype))
            return result

    matrix = torch.randn(3, 3)
    with Listen():
        plain, rounded = matrix @ matrix, matrix.bfloat16() @ matrix.bfloat16()
    assert plain.dtype == torch.float32 and rounded.dtype == torch.bfloat16
    assert torch.equal(plain, matrix @ matrix)
    assert torch.equal(rounded, (matrix.bfloat16().float() @ matrix.bfloat16().float()).bfloat16())
