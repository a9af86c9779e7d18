"""Rules that decide which predictions of the teacher become labels, and with what weight."""
from .alignment import DistributionAlignment
from .cluster_purity import ClusterPurity
from .flexmatch import FlexMatchThreshold
from .freematch import FreeMatchThreshold
from .labeled_margin import LabeledMargin
from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels, apply_rule
from .softmatch import SoftMatchWeights
from .threshold import ConfidenceThreshold

__all__ = [
    'ClusterPurity', 'ConfidenceThreshold', 'DistributionAlignment', 'FlexMatchThreshold',
    'FreeMatchThreshold', 'LabeledMargin', 'LabeledPredictions', 'PseudoLabelRule', 'PseudoLabels',
    'SoftMatchWeights', 'apply_rule'
]
