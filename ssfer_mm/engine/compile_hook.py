"""Let torch compile the networks, and only them."""
from typing import List, Optional, Sequence

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch import nn

from ssfer_mm.errors import UserError

from .unwrap import model_of


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile parts of the model with ``torch.compile``, in place: names of weights stay.

    mmengine's own setting, ``compile=True``, compiles a whole training step. Such a step takes
    lists of data samples, which torch would look through again in every step, and takes another
    way for every kind of batch. Backbones and necks are where the time goes, and get tensors only.
    The first steps wait for the compiler, a minute or so.

    Args:
        modules: Dotted names of submodules. None means ``backbone`` and ``neck`` (where there is
            one with weights) of the student and of the teacher, or of the model itself.
        backend: Of ``torch.compile``.
        mode: Of ``torch.compile``, such as ``'max-autotune-no-cudagraphs'``.

    Raises:
        UserError: When training begins: the model has no such submodule.
    """

    def __init__(self, modules: Optional[Sequence[str]] = None, backend: str = 'inductor',
                 mode: Optional[str] = None) -> None:
        self.modules, self.backend, self.mode = modules, backend, mode

    def before_run(self, runner) -> None:
        model = model_of(runner)
        for name in self.modules if self.modules is not None else networks(model):
            try:
                part = model.get_submodule(name)
            except AttributeError as error:
                raise UserError(f'CompileHook: {type(model).__name__} has no submodule {name!r}; '
                                'name others in modules=[...], or leave modules out') from error
            part.compile(backend=self.backend, mode=self.mode)


def networks(model: nn.Module) -> List[str]:
    """Names of the parts that are worth compiling.

    Raises:
        UserError: There are none where they usually are.
    """
    homes = [f'{name}.' for name in ('student', 'teacher') if hasattr(model, name)] or ['']
    found = [f'{home}{part}' for home in homes for part in ('backbone', 'neck')
             if any(True for _ in _submodule(model, f'{home}{part}').parameters())]
    if not found:
        raise UserError(f'CompileHook: {type(model).__name__} has neither backbone nor neck; name '
                        'what to compile in modules=[...]')
    return found


def _submodule(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        return nn.Identity()
