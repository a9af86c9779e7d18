"""From a training checkpoint to a plain mmpretrain ``ImageClassifier``."""
from copy import deepcopy
from typing import Dict

from mmengine.config import Config
from torch import Tensor

from .ssfer import SSFER


def classifier_config(cfg: Config) -> dict:
    """Config of the ``ImageClassifier`` inside an SSFER model, as stock mmpretrain builds it.

    Args:
        cfg: A training config whose ``model`` is of type ``SSFER``. ``data_preprocessor`` may
            stand in the model or at the top level.
    """
    preprocessor = cfg.model.get('data_preprocessor') or cfg.data_preprocessor
    classifier = deepcopy(cfg.model.classifier.to_dict())
    classifier['data_preprocessor'] = dict(
        type='ClsDataPreprocessor',
        mean=list(preprocessor['mean']),
        std=list(preprocessor['std']),
        to_rgb=preprocessor.get('to_rgb', True),
        num_classes=preprocessor['num_classes'])
    return classifier


def classifier_weights(model: SSFER) -> Dict[str, Tensor]:
    """The teacher's weights, on the CPU, under the names of the plain classifier.

    Of a sharded model every process has to ask for them.
    """
    # The whole model's: a sharded one puts its tensors together there.
    weights = {name.removeprefix('teacher.'): value for name, value in model.state_dict().items()
               if name.startswith('teacher.')}
    return {name: value.detach().cpu().clone() for name, value in weights.items()}
