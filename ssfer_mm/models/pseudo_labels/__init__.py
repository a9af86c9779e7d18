from .alignment import DistributionAlignment
from .flexmatch import FlexMatchThreshold
from .freematch import FreeMatchThreshold
from .labeled_margin import LabeledMargin
from .rule import LabeledOpinion, PseudoLabelRule, PseudoLabels
from .softmatch import SoftMatchWeights
from .threshold import ConfidenceThreshold

__all__ = [
    'ConfidenceThreshold', 'DistributionAlignment', 'FlexMatchThreshold', 'FreeMatchThreshold',
    'LabeledMargin', 'LabeledOpinion', 'PseudoLabelRule', 'PseudoLabels', 'SoftMatchWeights'
]
