"""Load weights into a module, every one of them."""
from typing import Dict, List, Tuple

from torch import Tensor, nn


def load_into(module: nn.Module, weights: Dict[str, Tensor]) -> Tuple[List[str], List[str]]:
    """Load what fits; returns the names that are missing, and those that are unknown.

    What a module has computed itself and takes from no file is not missing: Swin V2 drops its
    position tables from what it is given.

    Raises:
        RuntimeError: A weight has another shape.
    """
    missing, unexpected = module.load_state_dict(weights, strict=False)
    return [name for name in missing if name not in weights], list(unexpected)


def load_all(module: nn.Module, weights: Dict[str, Tensor]) -> None:
    """Load weights that are all of a module's.

    Raises:
        RuntimeError: They are not, or one has another shape.
    """
    missing, unexpected = load_into(module, weights)
    if missing or unexpected:
        raise RuntimeError(f'weights of another {type(module).__name__}: '
                           f'missing {missing[:3]}, unknown {unexpected[:3]}')
