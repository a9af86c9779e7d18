"""A described classifier as a running model, and as the function that gets exported."""
from copy import deepcopy
from typing import List, Sequence

import cv2
import numpy as np
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.checkpoints.load import load_all
from ssfer_mm.errors import UserError

from .described import Described


def build_classifier(described: Described) -> nn.Module:
    """mmpretrain's ``ImageClassifier`` with the weights in it, in evaluation mode.

    Raises:
        UserError: these weights are of no classifier, or its normalization, classes or input size
            are unknown.
    """
    if described.kind != 'classifier':
        raise UserError(f'{described.source["file"]} is a {described.kind}, which predicts '
                        'nothing; expected a classifier. Train one from it first (README).')
    unknown = [f'{what} ({option})' for what, option, value in (
        ('the classes', '--dataset or --classes', described.classes),
        ('mean and std', '--dataset, or --mean and --std', described.mean and described.std),
        ('the input size', '--img-size', described.input_size)) if not value]
    if unknown:
        raise UserError(f'{described.source["file"]} does not say {" and ".join(unknown)}; add '
                        'the options in brackets')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(deepcopy(described.model))
    load_all(model, described.state)
    model.float().eval()  # not chained: train() of some backbones returns nothing
    return model


def resize_faces(faces: Sequence[np.ndarray], described: Described) -> Tensor:
    """Face crops as one batch: uint8 (N, 3, H, W), BGR, resized as in every test pipeline here.

    Args:
        faces: uint8 (H, W, 3) BGR images of any sizes.
        described: Says the input size.
    """
    height, width = described.input_size
    resized = [cv2.resize(face, (width, height), interpolation=cv2.INTER_LINEAR) for face in faces]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def probabilities(model: nn.Module, images: Tensor) -> Tensor:
    """What mmpretrain itself predicts, through the model's own preprocessor.

    Args:
        model: As from `build_classifier`.
        images: As from `resize_faces`.

    Returns:
        (N, K) probabilities.
    """
    samples = model.predict(model.data_preprocessor(dict(inputs=images))['inputs'])
    return torch.stack([sample.pred_score for sample in samples])


class Probabilities(nn.Module):
    """From RGB images in 0-255 to class probabilities: what gets exported.

    Normalization and softmax are inside, so that no program that uses the file can get them wrong.

    Args:
        model: An ``ImageClassifier``.
        described: Its description.
    """

    def __init__(self, model: nn.Module, described: Described) -> None:
        super().__init__()
        self.model = model
        self.swap = not described.model['data_preprocessor'].get('to_rgb', True)
        for name in ('mean', 'std'):
            values: List[float] = list(getattr(described, name))
            # Not plainly "mean", which exporters also call the result of an average.
            self.register_buffer(f'channel_{name}', torch.tensor(values).view(1, 3, 1, 1),
                                 persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float RGB in 0-255 -> (N, K) probabilities."""
        if self.swap:
            images = images.flip(1)
        images = (images - self.channel_mean) / self.channel_std
        return torch.softmax(self.model(images, mode='tensor'), dim=1)
