from .ema import decay_at, ema_update
from .facemix import FaceMix, FaceMixBatch, one_hot
from .losses import FaceMixLoss, PseudoLabelLoss, soft_cross_entropy
from .preprocessor import SSFERDataPreprocessor
from .pretrained import backbone_weights, load_backbone
from .pseudo_labels import ConfidenceThreshold, PseudoLabels
from .ssfer import SSFER

__all__ = [
    'ConfidenceThreshold', 'FaceMix', 'FaceMixBatch', 'FaceMixLoss', 'PseudoLabelLoss',
    'PseudoLabels', 'SSFER', 'SSFERDataPreprocessor', 'backbone_weights', 'decay_at', 'ema_update',
    'load_backbone', 'one_hot', 'soft_cross_entropy'
]
