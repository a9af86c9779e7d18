"""What a run is said to compute in."""
import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from ssfer_mm.engine import BFloat16OptimWrapper
from ssfer_mm.engine.precision import precision_of


@pytest.mark.parametrize('wrapper, options, expected', [
    (OptimWrapper, {}, 'float32'),
    (BFloat16OptimWrapper, {}, 'bfloat16'),
    (AmpOptimWrapper, {}, 'float16'),
    (AmpOptimWrapper, dict(dtype='float16'), 'float16'),
    (AmpOptimWrapper, dict(dtype='bfloat16'), 'bfloat16'),  # and it has a scaler
    (AmpOptimWrapper, dict(dtype=torch.float32), 'float32')])
def test_of_every_wrapper(monkeypatch, wrapper, options, expected):
    # mmengine makes those of mixed precision on a GPU only.
    monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available',
                        lambda: True)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.)
    assert precision_of(wrapper(optimizer=optimizer, **options)) == expected
