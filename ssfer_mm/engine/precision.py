"""The numbers that a run computes with."""
import torch


def precision_of(wrapper) -> str:
    """What forward passes under an optimizer wrapper are computed in.

    Args:
        wrapper: mmengine's ``OptimWrapper``, one of its kinds, or ours.

    Returns:
        ``'float32'``, ``'bfloat16'``, ``'float16'`` or ``'float64'``.

    Example:
        >>> from types import SimpleNamespace
        >>> precision_of(SimpleNamespace(cast_dtype=torch.bfloat16))
        'bfloat16'
    """
    if hasattr(wrapper, 'cast_dtype'):  # AmpOptimWrapper, of whose choice None means float16
        return str(wrapper.cast_dtype or torch.float16).removeprefix('torch.')
    return getattr(wrapper, 'precision', 'float32')
