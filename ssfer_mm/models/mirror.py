"""Test-time flip: a face and its mirror image show the same expression."""
from typing import List

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn


def add_mirror_scores(classifier: nn.Module, inputs: Tensor,
                      samples: List[DataSample]) -> List[DataSample]:
    """Note as ``tta_score`` (K,) the mean of each image's probabilities and of its mirror image's.

    Args:
        classifier: An ``ImageClassifier``, in evaluation mode.
        inputs: (B, 3, H, W), normalized.
        samples: With the classifier's prediction of ``inputs``, which stays as it is.

    Returns:
        The same samples.
    """
    mirrored = classifier(inputs.flip(-1), mode='predict')
    both = [torch.stack([sample.pred_score for sample in side]) for side in (samples, mirrored)]
    for sample, score in zip(samples, (both[0] + both[1]) / 2):
        sample.set_field(score, 'tta_score')
    return samples
