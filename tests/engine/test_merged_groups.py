"""Weights of equal settings share a group, and an optimizer step is the same."""
import copy
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.engine import ExactResumeHook

PARAMWISE = dict(
    norm_decay_mult=0., bias_decay_mult=0., custom_keys={'head': dict(lr_mult=2., decay_mult=.5)})


class Net(nn.Module):

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, bias=False))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.frozen(self.body(x).mean((2, 3))))


def wrapper(net, constructor, **more):
    return build_optim_wrapper(net, dict(
        constructor=constructor, optimizer=dict(type='AdamW', lr=1e-2, weight_decay=0.3),
        paramwise_cfg=PARAMWISE, **more))


def test_weights_of_equal_settings_share_a_group():
    net = Net()
    groups = wrapper(net, 'mmpretrain.MergedGroupsConstructor').optimizer.param_groups
    by_decay = {(g['lr'], round(g['weight_decay'], 6)): g['params'] for g in groups}
    assert len(groups) == 3
    assert {key: [p.shape for p in ps] for key, ps in by_decay.items()} == {
        (1e-2, 0.3): [(4, 3, 3, 3), (4, 4, 3, 3)],
        (1e-2, 0.0): [(4, ), (4, ), (4, )],  # a bias, and scale and shift of the norm
        (2e-2, 0.15): [(2, 4), (2, )]}


def test_steps_are_those_of_the_stock_constructor():
    torch.manual_seed(0)
    ours = Net()
    stock = copy.deepcopy(ours)
    images = torch.randn(5, 8, 3, 9, 9)
    for net, name in ((ours, 'mmpretrain.MergedGroupsConstructor'),
                      (stock, 'DefaultOptimWrapperConstructor')):
        wrap = wrapper(net, name)
        for batch in images:
            wrap.update_params(net(batch).square().mean())
    for mine, expected in zip(ours.parameters(), stock.parameters(), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-6, atol=1e-7)


def test_without_settings_of_single_weights_there_is_one_group():
    net = Net()
    wrap = build_optim_wrapper(net, dict(
        constructor='mmpretrain.MergedGroupsConstructor', optimizer=dict(type='SGD', lr=0.1)))
    assert len(wrap.optimizer.param_groups) == 1


@pytest.mark.parametrize('then, now, groups', [
    ('DefaultOptimWrapperConstructor', 'mmpretrain.MergedGroupsConstructor', (7, 3)),
    ('mmpretrain.MergedGroupsConstructor', 'DefaultOptimWrapperConstructor', (3, 7))])
def test_a_training_goes_on_with_its_groups_only_and_says_how(then, now, groups):
    def resume(into):
        runner = SimpleNamespace(_resume=True, _load_from='iter_7.pth', optim_wrapper=into,
                                 param_schedulers=None, train_dataloader=None,
                                 train_loop=None)
        checkpoint = dict(meta=dict(epoch=0, iter=7), optimizer=wrapper(Net(), then).state_dict())
        ExactResumeHook().after_load_checkpoint(runner, checkpoint)

    resume(wrapper(Net(), then))
    with pytest.raises(UserError, match=f'7 weights in {groups[0]} groups, this run in {groups[1]}'
                       f'.*constructor={re.escape(then.split(".")[-1])}'):
        resume(wrapper(Net(), now))
    other = nn.Linear(3, 2)  # another model: that is for those to say who load it
    resume(build_optim_wrapper(other, dict(optimizer=dict(type='SGD', lr=0.1))))
