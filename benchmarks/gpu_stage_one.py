"""Stage I on one GPU: float32 against bfloat16 against compiled bfloat16, and the GPU's own limit.

    python benchmarks/gpu_stage_one.py configs/mae/mae_vit-base-p16_faces-224px-600e.py

Whole training steps (normalizing, both networks, loss, backward pass, optimizer) on a batch that
lies on the GPU already. The three ways take turns; ratios are taken within each turn. Matrix rate:
products of 8192 x 8192 random bfloat16 matrices. Arithmetic per image is counted on the CPU, two
operations per multiply-add of matrix products, convolutions and attention, forward and backward;
what a way recomputes or casts does not count.
"""
import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from ssfer_mm.config import load_config
from ssfer_mm.engine import CompileHook
from ssfer_mm.profiling.pretraining import Pretraining
from ssfer_mm.profiling.rounds import Spent, median_ms, paired_ratio, timed

WAYS = {
    'float32': dict(),
    'bfloat16': dict(precision='BFloat16OptimWrapper'),
    'bfloat16, compiled': dict(precision='BFloat16OptimWrapper', compiled=True),
}
WARM_UP, SIZE = 4, 8192


class Way:
    """A model with its optimizer, and a step.

    Args:
        cfg: Of stage I.
        images: uint8 (B, 3, H, W), on the GPU.
        precision: The optimizer wrapper.
        compiled: Let torch compile the networks.
    """

    def __init__(self, cfg: Config, images: torch.Tensor, precision: str = 'OptimWrapper',
                 compiled: bool = False) -> None:
        torch.manual_seed(0)
        self.model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
        self.model = self.model.to(images.device).train()
        self.wrapper = build_optim_wrapper(self.model, dict(cfg.optim_wrapper, type=precision))
        if compiled:
            CompileHook().before_run(SimpleNamespace(model=self.model))
        self.images = images

    def __call__(self) -> None:
        """One training step."""
        self.model.train_step(dict(inputs=self.images, data_samples=None), self.wrapper)


def measure(cfg: Config, device: torch.device, batch: int, rounds: int, steps: int) -> dict:
    """Time every way; returns what ``--json`` writes."""
    counted = Pretraining(cfg)
    flops = counted.work().per_image.flops
    size = counted.size
    images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8).to(device)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        ways = {name: Way(cfg, images, **options) for name, options in WAYS.items()}
    first = {name: timed(device, way, 1).wall for name, way in ways.items()}
    for way in ways.values():
        timed(device, way, WARM_UP)
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    matrices = []
    for _ in range(rounds):
        matrices.append(matrix_rate(device))
        for name, way in ways.items():
            spent[name].append(timed(device, way, steps))
    rate = sorted(matrices)[rounds // 2]
    result = dict(batch=batch, gflops_per_image=flops / 1e9, matrix_tflops=rate / 1e12, ways={})
    for name in ways:
        step = median_ms(spent[name])
        done = flops * batch / (step['wall'] / 1e3)
        result['ways'][name] = dict(
            step_ms=step, first_step_s=first[name],
            images_per_second=batch / (step['wall'] / 1e3), tflops=done / 1e12,
            share_of_matrix_rate=done / rate,
            times_float32=paired_ratio(spent['float32'], spent[name])['wall'])
    return result


def matrix_rate(device: torch.device) -> float:
    """Operations per second of a large bfloat16 product of random matrices."""
    a, b = (torch.randn(SIZE, SIZE, device=device).bfloat16() for _ in range(2))
    timed(device, lambda: a @ b, 2)
    return 2 * SIZE**3 / timed(device, lambda: a @ b, 10).wall


def show(result: dict) -> None:
    """Print a table."""
    print(f'batch {result["batch"]}, {result["gflops_per_image"]:.1f} GFLOP per image, matrix rate '
          f'{result["matrix_tflops"]:.0f} TFLOP/s')
    print(f'{"":20}{"step ms":>9}{"images/s":>10}{"TFLOP/s":>9}{"of rate":>9}{"x float32":>11}')
    for name, way in result['ways'].items():
        print(f'{name:20}{way["step_ms"]["wall"]:9.1f}{way["images_per_second"]:10.0f}'
              f'{way["tflops"]:9.1f}{way["share_of_matrix_rate"]:9.1%}'
              f'{way["times_float32"]["median"]:11.2f}   first step {way["first_step_s"]:.0f} s',
              flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='one of configs/mae')
    parser.add_argument('--batch', type=int, nargs='+', default=[256])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--steps', type=int, default=5, help='of each way per round')
    parser.add_argument('--json', type=Path)
    args = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit('error: no GPU found; tools/benchmark.py measures on a CPU')
    MMLogger.get_current_instance().setLevel('ERROR')  # not a word about every weight's decay
    device, results = torch.device('cuda'), []
    for batch in args.batch:
        results.append(dict(
            measure(load_config(args.config), device, batch, args.rounds, args.steps),
            gpu=torch.cuda.get_device_name(), torch=torch.__version__))
        show(results[-1])
        if args.json:
            args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
