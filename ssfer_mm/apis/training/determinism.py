"""Everything that ``randomness.deterministic=True`` needs besides what mmengine does."""
import os

from mmengine.config import Config

from ssfer_mm.errors import UserError

WORKSPACE, SIZES = 'CUBLAS_WORKSPACE_CONFIG', (':4096:8', ':16:8')


def make_deterministic(cfg: Config) -> None:
    """Complete a config whose runs are to be bit-identical; others are left as they are.

    mmengine seeds every generator, worker processes included, sets cuDNN's flags, and has torch
    raise an error at the first operation that has no deterministic form. It leaves out cuBLAS,
    which must be told before the first product on a GPU, and a missing seed.

    Args:
        cfg: ``randomness`` is read; ``env_cfg.cudnn_benchmark`` is switched off.

    Raises:
        UserError: No seed, or cuBLAS was told to use a workspace that makes it non-deterministic.
    """
    randomness = cfg.get('randomness') or {}
    if not randomness.get('deterministic'):
        return
    if randomness.get('seed') is None:
        raise UserError('randomness.deterministic=True without a seed: each run would draw its '
                        'own. Add --cfg-options randomness.seed=0')
    if os.environ.setdefault(WORKSPACE, SIZES[0]) not in SIZES:
        raise UserError(f'{WORKSPACE}={os.environ[WORKSPACE]} is not deterministic, as '
                        f'randomness.deterministic=True asks: unset it, or set it to {SIZES[0]}')
    cfg.setdefault('env_cfg', {})['cudnn_benchmark'] = False
