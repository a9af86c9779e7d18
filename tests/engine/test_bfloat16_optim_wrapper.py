"""Mixed precision without a GPU: what is bfloat16, and what stays float32."""
import copy

import pytest
import torch
from mmpretrain.registry import MODELS, OPTIM_WRAPPERS
from mmpretrain.structures import DataSample
from torch import nn

from support.models import mae, ssfer, vit


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


def semi_batch():
    pixels = torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8)
    return dict(inputs=dict(labeled=pixels, weak=pixels, strong=pixels),
                data_samples=dict(labeled=[DataSample().set_gt_label(i % 3) for i in range(4)],
                                  unlabeled=[DataSample() for _ in range(4)]))


def test_both_networks_compute_in_bfloat16_and_everything_kept_is_float32():
    model = MODELS.build(ssfer(pseudo_label=dict(type='ConfidenceThreshold', threshold=1e-3)))
    model.init_weights()
    model.train()
    optim_wrapper, types = wrapper(model, 'BFloat16OptimWrapper'), {}
    for name in ('student', 'teacher'):
        layer = getattr(model, name).backbone.layers[0].attn.qkv
        layer.register_forward_hook(
            lambda module, args, out, name=name: types.update({name: out.dtype}))
    before = [p.clone() for p in model.student.parameters()]
    losses = model.train_step(semi_batch(), optim_wrapper)
    assert types == dict(student=torch.bfloat16, teacher=torch.bfloat16)
    assert losses['loss'].dtype == torch.float32 and losses['loss'].isfinite()
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.student.parameters()
               if p.grad is not None)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.student.parameters()))
    allowed = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed
    assert not allowed(), 'the setting is given back'


@pytest.mark.parametrize('build', [vit, mae], ids=['classifier', 'MAE'])
def test_gradients_are_those_of_float32_but_for_the_rounding(build):
    model = MODELS.build(build())
    model.init_weights()
    optim_wrapper = wrapper(model, 'BFloat16OptimWrapper')
    images = torch.randn(8, 3, 16, 16)
    gradients = []
    for context in (torch.autocast('cpu', enabled=False), optim_wrapper.optim_context(model)):
        model.zero_grad()
        torch.manual_seed(0)
        with context:
            out = model(images, None, mode='loss' if build is mae else 'tensor')
        (out['loss'] if build is mae else out.float().logsumexp(1).sum()).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()
                                    if p.grad is not None]))
    assert not torch.equal(*gradients)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99
