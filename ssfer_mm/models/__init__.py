"""The networks, losses and pseudo-label rules of all stages, as components of mmpretrain."""
from .class_prior import ClassPrior
from .device_views import BatchRandAugment, DeviceViews
from .ema import MovingAverage, decay_at
from .face_masking import FaceMAE, FaceMAEViT
from .facemix import FaceMix, FaceMixBatch, one_hot
from .fairness import SelfAdaptiveFairness
from .logit_adjustment import LogitAdjustment
from .losses import FaceMixLoss, PseudoLabelLoss, soft_cross_entropy
from .masked_norm import MaskedBatchNorm2d
from .negative_learning import NegativeLearning
from .preprocessor import SSFERDataPreprocessor
from .pretrained import load_backbone
from .pseudo_labels import (
    ClusterPurity,
    ConfidenceThreshold,
    DistributionAlignment,
    FlexMatchThreshold,
    FreeMatchThreshold,
    LabeledMargin,
    LabeledPredictions,
    PseudoLabelRule,
    PseudoLabels,
    SoftMatchWeights,
)
from .pseudo_mixup import PseudoMixup, PseudoMixupBatch
from .rejected_consistency import RejectedConsistency
from .sparse_resnet import SparseResNet_CIFAR
from .ssfer import SSFER

__all__ = [
    'BatchRandAugment', 'ClassPrior', 'ClusterPurity', 'ConfidenceThreshold', 'DeviceViews',
    'DistributionAlignment', 'FaceMAE', 'FaceMAEViT', 'FaceMix', 'FaceMixBatch', 'FaceMixLoss',
    'FlexMatchThreshold', 'FreeMatchThreshold', 'LabeledMargin', 'LabeledPredictions',
    'LogitAdjustment', 'MaskedBatchNorm2d', 'MovingAverage', 'NegativeLearning',
    'PseudoLabelLoss', 'PseudoLabelRule', 'PseudoLabels', 'PseudoMixup', 'PseudoMixupBatch',
    'RejectedConsistency', 'SSFER', 'SSFERDataPreprocessor', 'SelfAdaptiveFairness',
    'SoftMatchWeights', 'SparseResNet_CIFAR', 'decay_at',
    'load_backbone', 'one_hot', 'soft_cross_entropy'
]
