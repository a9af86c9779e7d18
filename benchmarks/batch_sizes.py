"""What memory a CPU holds where steps have batches of other sizes, as with skip_rejected.

    OMP_NUM_THREADS=1 python benchmarks/batch_sizes.py --any-size     # accepted images alone
    OMP_NUM_THREADS=1 python benchmarks/batch_sizes.py --keep 1024    # oneDNN's own number
    OMP_NUM_THREADS=1 python benchmarks/batch_sizes.py                # as training does it

The classifier of a config learns from 122 to 232 random faces a step and looks at 224 others
without gradients, as in stage III. Prints the resident memory of the process every ten steps.
"""
import argparse
import os
import random
import sys
import time

import torch
import torch.nn.functional as F
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from ssfer_mm.apis import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.models.kept_views import kept_views
from ssfer_mm.runtime.freed_memory import keep_freed_memory
from ssfer_mm.runtime.kept_convolutions import USERS_CHOICE, keep_few_convolutions

LABELED, UNLABELED, SIDE = 32, 224, 48


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='configs/ssfer/ferplus_5pct_resnet-nano.py')
    parser.add_argument('--steps', type=int, default=80)
    parser.add_argument('--keep', type=int, help='prepared convolutions; default: as in training')
    parser.add_argument('--any-size', action='store_true',
                        help='do not fill batches up with rejected images')
    parser.add_argument('--bfloat16', action='store_true', help='mixed precision, as with --amp')
    args = parser.parse_args()
    if args.keep is not None:
        os.environ[USERS_CHOICE[0]] = str(args.keep)
    keep_freed_memory()
    keep_few_convolutions()
    cfg, sizes, began = load_config(args.config), random.Random(0), time.monotonic()
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(cfg.model.classifier).to(memory_format=torch.channels_last)
    for step in range(1, args.steps + 1):
        accepted = sizes.randint(90, 200)
        count = LABELED + (accepted if args.any_size else filled_up(accepted))
        labels = torch.zeros(count, dtype=torch.long)
        with torch.autocast('cpu', torch.bfloat16, enabled=args.bfloat16):
            F.cross_entropy(network(faces(count)).float(), labels).backward()
            with torch.no_grad():
                network(faces(UNLABELED))
        if step % 10 == 0:
            print(f'{step} steps, {time.monotonic() - began:.0f} s: {resident():,.0f} MB')


def filled_up(accepted: int) -> int:
    """How many unlabeled images enter the student where so many are accepted."""
    return len(kept_views((torch.arange(UNLABELED) < accepted).float(), LABELED))


def faces(count: int) -> torch.Tensor:
    """Random pixels in the layout that training uses."""
    return torch.randn(count, 3, SIDE, SIDE).to(memory_format=torch.channels_last)


def resident() -> float:
    """Memory of this process, in MB."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6


if __name__ == '__main__':
    sys.exit(run_cli(main))
