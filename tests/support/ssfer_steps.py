"""Small SSFER models, batches for them, and what comes of a step."""
from copy import deepcopy

import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from support.models import ssfer


def build(classifier=None, **options):
    model = MODELS.build(ssfer(classifier, **options))
    model.init_weights()
    # Two different opinions: fresh twins with a head of zeros have none.
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return model.train()


def semi_batch(labeled=4, unlabeled=6, size=16):
    generator = torch.Generator().manual_seed(3)

    def images(count):
        return torch.randint(256, (count, 3, size, size), generator=generator, dtype=torch.uint8)

    return dict(
        inputs=dict(labeled=images(labeled), weak=images(unlabeled), strong=images(unlabeled)),
        data_samples=dict(
            labeled=[DataSample().set_gt_label(k % 3) for k in range(labeled)],
            unlabeled=[DataSample(metainfo=dict(sample_id=f'u{k}')) for k in range(unlabeled)]))


def supervised_batch():
    data = semi_batch()
    return dict(inputs=dict(labeled=data['inputs']['labeled']),
                data_samples=dict(labeled=data['data_samples']['labeled']))


def losses_of(model, data):
    prepared = model.data_preprocessor(deepcopy(data), True)
    return model(**prepared, mode='loss')


def gradients(model):
    return {n: p.grad.clone() for n, p in model.student.named_parameters() if p.grad is not None}


def tau_between(model, data):
    """A threshold that some pseudo-labels reach and some do not."""
    weak = model.data_preprocessor(deepcopy(data), True)['inputs']['weak']
    confidence = model.probabilities(weak)[0].amax(1).sort().values
    return float((confidence[2] + confidence[3]) / 2)
