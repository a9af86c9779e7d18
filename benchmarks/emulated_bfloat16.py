"""Train in bfloat16 on a processor that has none, to see what it does to the accuracy.

    python benchmarks/emulated_bfloat16.py configs/ssfer/synthfer_5pct_vit-micro.py --cfg-options \
        optim_wrapper.type=BFloat16OptimWrapper \
        train_cfg.semi.optim_wrapper.type=BFloat16OptimWrapper

takes the arguments of ``tools/train.py``. Without hardware for it, torch's products of bfloat16
matrices are ten to twenty times as slow as those of float32. AVX512-BF16 and AMX sum the exact
products of bfloat16 numbers in float32 and round the sum to bfloat16. So does float32 arithmetic on
the same numbers, which is what happens here, at about the speed of float32; the order of
summation, which no processor promises, is the only difference.
"""
import sys

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from ssfer_mm.apis.training.launch import train_main
from ssfer_mm.command_line.run import run_cli

aten = torch.ops.aten
PRODUCTS = {aten.mm.default, aten.addmm.default, aten.bmm.default, aten.baddbmm.default,
            aten.convolution.default, aten.convolution_backward.default}


class EmulatedBFloat16(TorchDispatchMode):
    """Products of bfloat16 tensors by float32 arithmetic, forward and backward.

    Everything else is left to torch: element by element bfloat16 is fast enough everywhere.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func not in PRODUCTS or not any(
                isinstance(arg, torch.Tensor) and arg.dtype is torch.bfloat16 for arg in args):
            return func(*args, **kwargs)
        exact = tree_map_only(torch.Tensor, torch.Tensor.float, args)
        return tree_map_only(torch.Tensor, torch.Tensor.bfloat16, func(*exact, **kwargs))


def main() -> object:
    """``tools/train.py`` with emulated products."""
    with EmulatedBFloat16():
        return train_main()


if __name__ == '__main__':
    sys.exit(run_cli(main, resumable=True))
