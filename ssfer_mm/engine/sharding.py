"""Sharing a model out over processes with PyTorch's FSDP, and putting it together again."""
from typing import Dict, Iterator, Union

import torch
from mmengine.device import get_device
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer


def shard(model: nn.Module) -> None:
    """Shard every parameter over all processes, in place.

    Student, teacher and each of their layers become units of their own, whose weights come
    together only while they compute. The teacher is cut where the student is, so it can follow
    the student shard by shard.

    Args:
        model: An SSFER or an MAE model, the same on every process.
    """
    mesh = init_device_mesh(get_device(), (torch.distributed.get_world_size(), ))
    for unit in _units(model):
        fully_shard(unit, mesh=mesh)
    fully_shard(model, mesh=mesh)


def _units(model: nn.Module) -> Iterator[nn.Module]:
    """Modules worth a unit, inner ones before outer ones."""
    modules = dict(model.named_modules())
    for name in sorted(modules, key=lambda name: -name.count('.')):
        parent = modules[name.rpartition('.')[0]] if name else None
        is_layer = isinstance(parent, nn.ModuleList)
        if (is_layer or name in ('student', 'teacher')) and any(True for _ in
                                                                modules[name].parameters()):
            yield modules[name]


def whole(tensor: Tensor) -> Tensor:
    """The tensor of all processes; every process has to call this."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def share(tensor: Tensor, like: Tensor) -> Tensor:
    """This process's share of a whole tensor, cut as ``like`` is cut."""
    if not isinstance(like, DTensor) or isinstance(tensor, DTensor) or tensor.ndim == 0:
        return tensor
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)


def save_and_load_whole(model: nn.Module) -> None:
    """Let ``model.state_dict()`` give, and ``load_state_dict`` take, ordinary tensors."""

    def gather(module, state: Dict[str, Tensor], prefix, metadata) -> None:
        for name, value in state.items():
            state[name] = whole(value)

    def distribute(module, state: Dict[str, Tensor], prefix, *_) -> None:
        for name, parameter in module.named_parameters():
            if prefix + name in state:
                state[prefix + name] = share(state[prefix + name], parameter)

    model.register_state_dict_post_hook(gather)
    model.register_load_state_dict_pre_hook(distribute)


def save_and_load_whole_state(optimizer: Optimizer) -> None:
    """The same for an optimizer's ``state_dict`` and ``load_state_dict``."""

    def gather(optimizer: Optimizer, state: dict) -> dict:
        slots = {index: {name: _if_tensor(whole, value) for name, value in slot.items()}
                 for index, slot in state['state'].items()}
        return dict(state, state=slots)

    def distribute(optimizer: Optimizer, state: dict) -> dict:
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        slots = {index: {name: _if_tensor(lambda t, i=index: share(t, parameters[i]), value)
                         for name, value in slot.items()}
                 for index, slot in state['state'].items()}
        return dict(state, state=slots)

    optimizer.register_state_dict_post_hook(gather)
    optimizer.register_load_state_dict_pre_hook(distribute)


def _if_tensor(change, value: Union[Tensor, float]):
    return change(value) if isinstance(value, Tensor) else value
