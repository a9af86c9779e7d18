"""Few groups of weights for the optimizer, where a GPU waits for every call of it."""
from typing import Dict, List, Optional, Union

from mmengine.optim import DefaultOptimWrapperConstructor
from mmpretrain.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedGroupsConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, whose weights share a group where they share all settings.

    ``paramwise_cfg`` makes a group of every weight, and an optimizer computes group by group: with
    101 weights that is 101 calls of a fused AdamW where two or three do. The numbers are the same.
    A training goes on only with the groups that it began with: leave the constructor as it is
    between a stop and ``--resume``.
    """

    def add_params(self,
                   params: List[dict],
                   module: nn.Module,
                   prefix: str = '',
                   is_dcn_module: Optional[Union[int, float]] = None) -> None:
        """As mmengine's, which calls itself for every child; the outermost call merges."""
        super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:
            params[:] = merged(params)


def merged(groups: List[dict]) -> List[dict]:
    """Groups of equal settings put together, in the order of their first weights."""
    together: Dict[tuple, dict] = {}
    for group in groups:
        settings = {key: value for key, value in group.items() if key != 'params'}
        same = together.setdefault(tuple(sorted(settings.items())), {**settings, 'params': []})
        same['params'].extend(group['params'])
    return list(together.values())
