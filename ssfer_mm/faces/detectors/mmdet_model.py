"""Build an mmdet model, load weights into it, and make it ready to predict.

mmdet is imported inside functions, here as everywhere: training with a box file never loads it.
"""
import copy
import importlib.util
import warnings
from typing import Any, Dict, Mapping, Optional

import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ssfer_mm.compat import install_command, installed_family, installed_versions, quiet_imports
from ssfer_mm.errors import UserError, one_line
from ssfer_mm.mmcv_stand_in import install_mmcv_stand_in


def import_mmdet() -> None:
    """Import mmdet, with a stand-in where mmcv has no compiled operators.

    Raises:
        UserError: mmdet is not installed; with the command that installs it.
    """
    if importlib.util.find_spec('mmdet') is None:
        family = installed_family(installed_versions())
        raise UserError('this face detector needs mmdet, which is not installed. '
                        f'Run: {install_command(family)}')
    install_mmcv_stand_in()
    # mmdet's business, which a user can do nothing about.
    warnings.filterwarnings('ignore', message='torch.meshgrid: in an upcoming release')
    with quiet_imports():
        import mmdet.datasets  # noqa: F401
        import mmdet.models  # noqa: F401


def build_model(model_cfg: Mapping[str, Any], origin: str) -> nn.Module:
    """Build an mmdet model without weights.

    mmengine's default scope is mmdet's meanwhile, and what it was before afterwards.

    Args:
        model_cfg: The ``model`` of an mmdet config. Not changed.
        origin: What to call it in an error.

    Raises:
        UserError: mmdet cannot build it.
    """
    import_mmdet()
    from mmdet.registry import MODELS
    from mmengine.model.utils import revert_sync_batchnorm

    try:
        with DefaultScope.overwrite_default_scope('mmdet'):
            model = MODELS.build(ConfigDict(copy.deepcopy(model_cfg)))
    except UserError:
        raise
    except Exception as error:  # whatever a wrong setting causes in any of mmdet's components
        raise UserError(f'mmdet cannot build the model of {origin} ({one_line(error)}); '
                        'correct that config') from error
    return revert_sync_batchnorm(model)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], origin: str) -> None:
    """Load weights, all of them and nothing else.

    Args:
        model: From :func:`build_model`.
        weights: Parameter name -> tensor.
        origin: What to call the weights in an error.

    Raises:
        UserError: They belong to another architecture; the first names that differ are listed.
    """
    weights = {name.removeprefix('module.'): value for name, value in weights.items()}
    own = model.state_dict()
    shapes = [f'{name} {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}'
              for name in own if name in weights and weights[name].shape != own[name].shape]
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        if not shapes:
            raise UserError(f'{origin} does not fit: {one_line(error)}') from error
        missing = [name for name in own if name not in weights]
        unexpected = [name for name in weights if name not in own]
    # Counters came with torch 0.4.1, and older mmdet saved the mean and std of the input.
    missing = [name for name in missing if not name.endswith('num_batches_tracked')]
    unexpected = [name for name in unexpected if not name.startswith('data_preprocessor.')]
    differences = [f'{len(names)} {kind} (first: {names[0]})' for names, kind in (
        (missing, 'missing'), (unexpected, 'unexpected'), (shapes, 'of another shape')) if names]
    if differences:
        raise UserError(f'{origin} holds weights of another architecture than its config: '
                        f'{", ".join(differences)}; give the config that they were trained with')


def prepare_to_predict(model: nn.Module) -> nn.Module:
    """Freeze a model and speed it up, on a CPU by about a third; predictions stay the same."""
    model.eval().requires_grad_(False)
    _fold_batch_norms(model)
    return model.to(memory_format=torch.channels_last)


def _fold_batch_norms(model: nn.Module) -> None:
    """Make each batch norm part of the convolution before it, where that one is not shared.

    RTMDet's head lets all levels share a convolution, each with a batch norm of its own.
    """
    from mmcv.cnn import ConvModule
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    modules = [module for module in model.modules() if isinstance(module, ConvModule)]
    uses: Dict[int, int] = {}
    for module in modules:
        uses[id(module.conv)] = uses.get(id(module.conv), 0) + 1
    for module in modules:
        conv = module.conv
        if not (module.with_norm and type(conv) is nn.Conv2d and uses[id(conv)] == 1
                and type(module.norm) is nn.BatchNorm2d and module.norm.track_running_stats
                and module.order[:2] == ('conv', 'norm')):
            continue
        norm = module.norm
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight,
            norm.bias)
        conv.requires_grad_(False)
        delattr(module, module.norm_name)
        module.with_norm = False


def set_thresholds(model_cfg: Mapping[str, Any], score_threshold: float,
                   nms_iou: Optional[float] = None) -> dict:
    """A copy of a model config that drops low scores early, before suppression.

    Greedy suppression never lets a lower score remove a higher one, so that this saves time and
    changes no result. Configs without a plain ``test_cfg`` are left as they are.

    Args:
        model_cfg: The ``model`` of an mmdet config.
        score_threshold: In [0, 1].
        nms_iou: Overrides the config's suppression threshold.
    """
    model_cfg = copy.deepcopy(dict(model_cfg))
    test_cfg = model_cfg.get('test_cfg') or {}
    nms = test_cfg.get('nms') or {}
    if nms_iou is not None:
        nms['iou_threshold'] = nms_iou
    if 'score_thr' in test_cfg and nms.get('type') == 'nms':
        # Heads differ in > or >=; the exact comparison is made on what they return.
        test_cfg['score_thr'] = max(test_cfg['score_thr'], score_threshold - 1e-4)
    return model_cfg


def nms_iou_of(model_cfg: Mapping[str, Any]) -> Optional[float]:
    """The suppression threshold of a single-stage model's config, if it has one."""
    return ((model_cfg.get('test_cfg') or {}).get('nms') or {}).get('iou_threshold')


def class_count(model: nn.Module) -> Optional[int]:
    """How many classes a model tells apart, where its head says so."""
    head = getattr(getattr(model, 'roi_head', model), 'bbox_head', None)
    if isinstance(head, nn.ModuleList):  # cascades: the last one decides
        head = head[-1]
    return getattr(head, 'num_classes', None)


def keep_boxes_whole(model: nn.Module) -> None:
    """Do not cut boxes off at the image's edge: how far a face reaches beyond it is wanted."""
    coder = getattr(getattr(model, 'bbox_head', None), 'bbox_coder', None)
    if hasattr(coder, 'clip_border'):
        coder.clip_border = False
