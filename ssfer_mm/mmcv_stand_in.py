"""Let mmdet's plain detectors run where mmcv was installed without a compiler."""
import importlib
import importlib.machinery
import importlib.util
import sys
import types
from typing import Any, Callable

from ssfer_mm.errors import UserError


class _MMCVStandIn(types.ModuleType):
    """A module in which every name is an operator; calling one explains what is missing."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing_operator(*args: Any, **kwargs: Any) -> None:
            raise UserError(f'mmcv was installed without its compiled operator {name!r}; this '
                            'detector needs it. Use RTMDet or YOLOX, or install a compiled mmcv.')

        return missing_operator


def _nms(boxes: Any, scores: Any, iou_threshold: float, offset: int = 0) -> Any:
    """mmcv's operator: (N, 4) xyxy boxes -> indices, best first; offset 1 = inclusive x2, y2."""
    from torchvision.ops import nms

    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return nms(boxes, scores, iou_threshold)


def install_mmcv_stand_in() -> bool:
    """Let mmdet's plain detectors run although mmcv has no compiled operators.

    Of these, RTMDet and YOLOX use only `nms`, which torchvision has. A compiled mmcv always wins.

    Returns:
        Whether the stand-in is in use.
    """
    name = 'mmcv._ext'
    if name in sys.modules:
        return isinstance(sys.modules[name], _MMCVStandIn)
    if importlib.util.find_spec(name) is not None:
        return False
    module = _MMCVStandIn(name, 'Stands in for the compiled operators of mmcv.')
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
    module.nms = _nms
    sys.modules[name] = module
    _mend_earlier_imports()
    return True


def _mend_earlier_imports() -> None:
    """Hand mmcv's operators to what was imported before the stand-in, which went without them.

    mmpretrain imports some of mmdet, if it is imported before this package. Where mmcv has no
    operators, those files define functions of the same names that do nothing but raise an error,
    and would keep them. And mmcv's own transformer.py passes on one layer, from where mmdet 3.3
    imports it, only if it could have it.
    """
    early = [module for name, module in sys.modules.items() if name.startswith('mmdet.')]
    for module in early:
        for name in ('nms', 'batched_nms'):
            function = vars(module).get(name)
            if getattr(function, '__module__', None) == module.__name__:
                setattr(module, name, getattr(importlib.import_module('mmcv.ops'), name))
    transformer = sys.modules.get('mmcv.cnn.bricks.transformer')
    layer = 'MultiScaleDeformableAttention'
    if transformer is not None and not hasattr(transformer, layer):
        setattr(transformer, layer, getattr(importlib.import_module('mmcv.ops'), layer))
