"""Every pseudo-label rule that keeps statistics, and batches of opinions for it."""
import torch
from mmpretrain.registry import MODELS

from ssfer_mm.models import ClassPrior, LabeledPredictions
from ssfer_mm.models.pseudo_labels import apply_rule

K, COUNTS, FEATURES = 3, (6, 3, 1), 5
RULES = {
    'FreeMatchThreshold': dict(type='FreeMatchThreshold', momentum=0.8),
    'FlexMatchThreshold': dict(type='FlexMatchThreshold', momentum=0.8),
    'LabeledMargin': dict(type='LabeledMargin', momentum=0.8),
    'SoftMatchWeights': dict(type='SoftMatchWeights', momentum=0.8),
    'DistributionAlignment around LabeledMargin': dict(
        type='DistributionAlignment', momentum=0.8, rule=dict(type='LabeledMargin')),
    'DistributionAlignment': dict(
        type='DistributionAlignment', momentum=0.8, rule=dict(type='FreeMatchThreshold')),
    'ClusterPurity': dict(type='ClusterPurity', clusters=4, bank=30, refit_every=20),
    'DistributionAlignment around ClusterPurity': dict(
        type='DistributionAlignment', momentum=0.8,
        rule=dict(type='ClusterPurity', clusters=4, bank=30, refit_every=20)),
}


def build_rule(classes=K, counts=COUNTS, **config):
    """A rule as SSFER prepares it."""
    rule = MODELS.build(config)
    rule.set_classes(classes)
    if rule.sees_features:
        rule.set_features(FEATURES)
    for module in rule.modules():
        if isinstance(module, ClassPrior):
            module.learn(torch.tensor(counts))
    return rule


def opinions(batches=6, images=8, classes=K, seed=0):
    """Probabilities (N, K) of some batches; class 0 is said most often."""
    draw = torch.Generator().manual_seed(seed)
    bias = torch.tensor([1., 0., -1., *[0.] * (classes - 3)])
    return [torch.softmax(2 * torch.randn(images, classes, generator=draw) + bias, 1)
            for _ in range(batches)]


def features_of(probabilities):
    """Features (N, D) that are alike where the probabilities (N, K) are."""
    draw = torch.Generator().manual_seed(2)
    return probabilities.log() @ torch.randn(probabilities.size(1), FEATURES, generator=draw)


def labeled_predictions(batches=6, images=4, classes=K, seed=1):
    """What the teacher thinks of labeled images, and what they show."""
    rows = opinions(batches, images, classes, seed)
    truth = torch.eye(classes)[torch.arange(images) % classes]
    return [LabeledPredictions(probabilities, truth, features_of(probabilities))
            for probabilities in rows]


def judge(rule, batches, labeled):
    """Labels, weights and confidence of all batches, one after the other."""
    judged = [apply_rule(rule, rows, seen if rule.sees_labeled else None, features_of(rows))
              for rows, seen in zip(batches, labeled)]
    return [torch.cat(column) for column in list(zip(*judged))[:3]]
