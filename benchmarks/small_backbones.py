"""How fast small networks of mmpretrain train at 48 px, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/small_backbones.py [NAME ...] [--size 48] [--amp]

A figure is the best of three turns of forward, loss and backward in float32, or with --amp in
bfloat16, channels last, batch 64, by the CPU time of the process; the optimizer and the data are
left out. Freed memory is kept, as in a training.
"""
import argparse
import time
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from torch import nn
from torch.nn import functional as F

from ssfer_mm.engine.bfloat16_optim_wrapper import bfloat16_passes
from ssfer_mm.runtime.freed_memory import keep_freed_memory

BATCH = 64
RESNET = dict(type='ResNet_CIFAR', depth=18, strides=(2, 2, 2, 2))


def resnet(width: int, **options) -> dict:
    """ResNet_CIFAR of this many channels in its first stage."""
    return dict(RESNET, stem_channels=width, base_channels=width, **options)


def convnext(depths: list, channels: list) -> dict:
    """ConvNeXt V2: global response normalization, 2 px patches."""
    return dict(type='ConvNeXt', arch=dict(depths=depths, channels=channels), use_grn=True,
                layer_scale_init_value=0., stem_patch_size=2)


def three_stages(width: int) -> dict:
    """The last stage left out: 6 x 6 places at the end instead of 3 x 3."""
    return resnet(width, num_stages=3, strides=(2, 2, 2), dilations=(1, 1, 1), out_indices=(2, ))


NETWORKS = {
    'resnet-nano': resnet(16),
    'resnet-24': resnet(24),
    'resnet-micro': resnet(32),
    'resnet-nano, strides 1 2 2 2': resnet(16, strides=(1, 2, 2, 2)),
    'resnet-micro, strides 1 2 2 2': resnet(32, strides=(1, 2, 2, 2)),
    'resnet18, strides 1 2 2 2': resnet(64, strides=(1, 2, 2, 2)),
    'resnet34-nano': resnet(16, depth=34),
    'resnet-24, three stages': three_stages(24),
    'resnet-micro, three stages': three_stages(32),
    'MobileNetV2 x0.5': dict(type='MobileNetV2', widen_factor=0.5),
    'MobileNetV2 x1': dict(type='MobileNetV2'),
    'MobileNetV3 small': dict(type='MobileNetV3', arch='small'),
    'ShuffleNetV2 x0.5': dict(type='ShuffleNetV2', widen_factor=0.5),
    'ShuffleNetV2 x1': dict(type='ShuffleNetV2'),
    'MobileOne s0': dict(type='MobileOne', arch='s0'),
    'ConvNeXtV2 24-192, 2 2 4 2': convnext([2, 2, 4, 2], [24, 48, 96, 192]),
    'ConvNeXtV2 40-320 (atto)': convnext([2, 2, 6, 2], [40, 80, 160, 320]),
    'EdgeNeXt xxsmall': dict(type='EdgeNeXt', arch='xxsmall'),
    'RegNetX 400 MF': dict(type='RegNet', arch='regnetx_400mf'),
    'SEResNet-50': dict(type='SEResNet', depth=50, stem_channels=16, base_channels=16),
}


class Classifier(nn.Module):
    """A backbone, the mean over all places, and a linear layer."""

    def __init__(self, backbone: dict, size: int) -> None:
        super().__init__()
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            self.backbone = MODELS.build(deepcopy(backbone))
        self.head = nn.Linear(self.features(torch.zeros(2, 3, size, size)).size(1), 8)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) -> (N, C)."""
        last = self.backbone(images)[-1]
        return last.mean((2, 3)) if last.ndim == 4 else last

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


def images_per_second(model: nn.Module, size: int, seconds: float, amp: bool) -> float:
    """Best of three turns, by CPU time."""
    model = model.train().to(memory_format=torch.channels_last)
    images = torch.randn(BATCH, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(8, (BATCH, ))

    def precision() -> AbstractContextManager[None]:
        return bfloat16_passes(model) if amp else nullcontext()

    def step() -> None:
        with precision():
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        model.zero_grad()

    step()
    best = 0.
    for _ in range(3):
        began, steps = time.process_time(), 0
        while time.process_time() - began < seconds / 3:
            step()
            steps += 1
        best = max(best, steps * BATCH / (time.process_time() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', metavar='NAME', help='these only')
    parser.add_argument('--seconds', type=float, default=2, help='of CPU per network (default: 2)')
    parser.add_argument('--size', type=int, default=48, help='of the images (default: 48)')
    parser.add_argument('--amp', action='store_true', help='in bfloat16')
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    print('| network | weights, M | MFLOPs forward | images/s forward and backward |')
    print('| --- | --- | --- | --- |')
    for name in args.names or NETWORKS:
        model = Classifier(NETWORKS[name], args.size)
        weights = sum(p.numel() for p in model.parameters()) / 1e6
        flops = get_model_complexity_info(model.eval(), (3, args.size, args.size),
                                          show_table=False, show_arch=False)['flops'] / 1e6
        speed = images_per_second(model, args.size, args.seconds, args.amp)
        print(f'| {name} | {weights:.2f} | {flops:.0f} | {speed:.0f} |', flush=True)


if __name__ == '__main__':
    main()
