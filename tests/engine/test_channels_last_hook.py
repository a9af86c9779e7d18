"""The memory layout of the weights changes how fast they learn, not what."""
import functools
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import distributed as dist
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.apis.training.distributed import start_processes
from ssfer_mm.engine import ChannelsLastHook
from ssfer_mm.engine.sharded_runner import shards_on_cpus
from support.models import resnet, ssfer
from support.processes import together
from support.world import end_of, two_stages


def gradients_of_two_steps():
    """Of a convolution in DistributedDataParallel: what came of it, and the mean it should be."""
    torch.manual_seed(0)
    cfg = Config(dict(launcher='pytorch'))
    start_processes(cfg)
    runner = SimpleNamespace(cfg=cfg, distributed=True)
    runner.wrap_model = functools.partial(Runner.wrap_model, runner)
    runner.model = runner.wrap_model(cfg.model_wrapper_cfg, nn.Conv2d(3, 4, 3))
    ChannelsLastHook().before_run(runner)
    weight, alone, found = runner.model.module.weight, [], []
    assert weight.is_contiguous(memory_format=torch.channels_last)
    weight.register_hook(lambda gradient: alone.append(gradient.contiguous()))
    for _ in range(2):
        runner.model.zero_grad()
        pictures = torch.randn(2, 3, 8, 8) * (1 + dist.get_rank())
        runner.model(pictures).square().sum().backward()
        found.append(weight.grad.clone())
    for gradient in alone:
        dist.all_reduce(gradient)
    return found, [gradient / dist.get_world_size() for gradient in alone]


def test_the_first_step_of_several_processes_has_its_gradients_in_order(tmp_path):
    """DistributedDataParallel is made before the hook, with the layout that the weights had."""
    for found, expected in together(2, gradients_of_two_steps, tmp_path):
        for one, other in zip(found, expected):
            torch.testing.assert_close(one, other)


@pytest.mark.skipif(not shards_on_cpus(), reason='this PyTorch shards on GPUs only')
def test_sharded_weights_stay_as_they_are(tmp_path):
    """FSDP could not bring others together: the first step ended with a traceback."""
    cfg = two_stages(tmp_path / 'run', 2, labeled=24, epochs=(1, 0), runner_type='ShardedRunner')
    cfg.model = ssfer(resnet())
    cfg.custom_hooks.append(dict(type='ChannelsLastHook'))
    one, other = together(2, end_of, tmp_path, cfg)
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize('narrow, conv', [
    (True, nn.Conv2d(4, 8, 1, stride=2)), (False, nn.Conv2d(32, 64, 1, stride=2, groups=8)),
    (False, nn.Conv2d(8, 16, 1, stride=2)), (False, nn.Conv2d(4, 8, 1)),
    (False, nn.Conv2d(4, 8, 3, stride=2))])
def test_a_convolution_that_onednn_computes_past_its_memory(narrow, conv):
    runner = SimpleNamespace(model=nn.Sequential(conv))
    if not narrow:
        ChannelsLastHook().before_run(runner)
        assert conv.weight.is_contiguous(memory_format=torch.channels_last)
        return
    with pytest.raises(UserError, match='ChannelsLastHook: 0 is .* and 4 input channels'):
        ChannelsLastHook().before_run(runner)
