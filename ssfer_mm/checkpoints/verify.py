"""Nothing missing, nothing left over: hold weights against the model they are meant for."""
from copy import deepcopy
from typing import Dict

import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.errors import UserError


def check_fit(state: Dict[str, Tensor], model: dict) -> None:
    """Make sure that a model has exactly these weights.

    Args:
        state: Weights under mmpretrain's names.
        model: Config of the model; it is built without memory for its weights where it can be.

    Raises:
        UserError: missing or unknown names, or other shapes; they are named.
    """
    expected = {name: tuple(value.shape) for name, value in _build(model).state_dict().items()}
    wrong = [f'{name} is missing' for name in expected if name not in state]
    wrong += [f'{name} is unknown' for name in state if name not in expected]
    wrong += [f'{name} is {tuple(state[name].shape)}, not {shape}'
              for name, shape in expected.items()
              if name in state and tuple(state[name].shape) != shape]
    if wrong:
        more = f' and {len(wrong) - 6} more' if len(wrong) > 6 else ''
        raise UserError(f'the weights do not fit their {model["type"]}: {"; ".join(wrong[:6])}'
                        f'{more}. The file is incomplete, or --config names another model.')


def _build(model: dict) -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        try:
            with torch.device('meta'):
                return MODELS.build(deepcopy(model))
        except RuntimeError:  # some backbones (ResNet) compute with tensors while they are built
            return MODELS.build(deepcopy(model))
