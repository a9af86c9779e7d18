"""Mixed precision without a GPU: what is bfloat16, and what stays float32."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from support.models import mae, ssfer, vit


def wrap(model):
    return build_optim_wrapper(model, dict(type='BFloat16OptimWrapper',
                                           optimizer=dict(type='AdamW', lr=1e-3)))


def semi_batch():
    pixels = torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8)
    return dict(inputs=dict(labeled=pixels, weak=pixels, strong=pixels),
                data_samples=dict(labeled=[DataSample().set_gt_label(i % 3) for i in range(4)],
                                  unlabeled=[DataSample() for _ in range(4)]))


def test_both_networks_compute_in_bfloat16_and_everything_kept_is_float32():
    model = MODELS.build(ssfer(pseudo_label=dict(type='ConfidenceThreshold', threshold=1e-3)))
    model.init_weights()
    model.train()
    wrapper, types = wrap(model), {}
    for name in ('student', 'teacher'):
        layer = getattr(model, name).backbone.layers[0].attn.qkv
        layer.register_forward_hook(
            lambda module, args, out, name=name: types.update({name: out.dtype}))
    before = [p.clone() for p in model.student.parameters()]
    losses = model.train_step(semi_batch(), wrapper)
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
    wrapper, images = wrap(model), torch.randn(8, 3, 16, 16)
    gradients = []
    for context in (torch.autocast('cpu', enabled=False), wrapper.optim_context(model)):
        model.zero_grad()
        torch.manual_seed(0)
        with context:
            out = model(images, None, mode='loss' if build is mae else 'tensor')
        (out['loss'] if build is mae else out.float().logsumexp(1).sum()).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()
                                    if p.grad is not None]))
    assert not torch.equal(*gradients)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99
