"""``--amp``: cheaper arithmetic, where this machine has it."""
from typing import Any, List

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ssfer_mm.errors import UserError
from ssfer_mm.runtime.processor import has_bfloat16

# mmengine's own, and those that `set_amp` makes of it.
WRAPPERS = ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper')


def set_amp(cfg: Config) -> None:
    """Let every stage of a config train in mixed precision: float16 on a GPU, bfloat16 on a CPU.

    Raises:
        UserError: This machine has neither, or the config has another kind of optimizer wrapper.
    """
    gpu = torch.cuda.is_available()
    if not gpu and not has_bfloat16():
        raise UserError('--amp: no GPU found, and this processor has no bfloat16 arithmetic '
                        '(AVX512-BF16 or AMX); mixed precision needs one of them. '
                        'Leave --amp out.')
    for wrapper in _optim_wrappers(cfg):
        kind = _kind(wrapper)
        if kind not in WRAPPERS:
            raise UserError(f'--amp: the config has optim_wrapper {kind}; expected OptimWrapper. '
                            'Leave --amp out.')
        if kind == 'OptimWrapper':
            wrapper.type = 'AmpOptimWrapper' if gpu else 'BFloat16OptimWrapper'
        if wrapper.type == 'AmpOptimWrapper':
            wrapper.setdefault('loss_scale', 'dynamic')
            # A fused optimizer makes even those steps that overflow, as steps that change nothing:
            # the teacher would follow them.
            wrapper.get('optimizer', {}).pop('fused', None)


def tell_of_bfloat16(runner: Runner) -> None:
    """Say in the log that ``--amp`` would be faster on this processor, if it would."""
    kinds = [_kind(wrapper) for wrapper in _optim_wrappers(runner.cfg)]
    if torch.cuda.is_available() or not has_bfloat16() or set(kinds) != {'OptimWrapper'}:
        return
    runner.logger.info('This processor has bfloat16 arithmetic: with --amp it trains one and a '
                       'half to three times as fast (docs/performance.md)')


def _optim_wrappers(cfg: Config) -> List[Any]:
    """The settings of all stages; a stage without its own has the config's."""
    train_cfg = cfg.get('train_cfg') or {}
    stages = [train_cfg.get(name) or {} for name in ('supervised', 'semi')]
    wrappers = [cfg.get('optim_wrapper'), *(stage.get('optim_wrapper') for stage in stages)]
    return [wrapper for wrapper in wrappers if wrapper is not None]


def _kind(wrapper: Any) -> str:
    return wrapper.get('type', 'OptimWrapper')
