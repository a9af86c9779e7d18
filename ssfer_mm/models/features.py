"""The layers of a classifier, and what it sees in an image: the numbers that the last one gets."""
from typing import Optional, Tuple

import torch
from torch import Tensor, nn

from ssfer_mm.errors import UserError

from .class_scores import class_scores


def last_layer(network: nn.Module) -> nn.Linear:
    """The linear layer of the head that makes the logits.

    Raises:
        UserError: The head has no linear layer.
    """
    layers = [module for module in network.head.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise UserError(f'{type(network.head).__name__} has no linear layer, whose input a '
                        'pseudo-label rule could compare: use LinearClsHead or '
                        'VisionTransformerClsHead, or a rule that needs no features')
    return layers[-1]


def layer_depth(network: nn.Module, weight: str) -> Tuple[int, int]:
    """Depth of the layer that a weight is in, and how many layers there are.

    Raises:
        UserError: The backbone does not know.
    """
    try:
        return network.get_layer_depth(weight)
    except NotImplementedError as error:
        raise UserError(f'{type(network.backbone).__name__} does not tell the depths of its '
                        'layers, which learning rates are to depend on: remove '
                        'optim_wrapper.constructor, or use a ViT, Swin or ConvNeXt') from error


@torch.no_grad()
def predict(network: nn.Module, images: Tensor,
            with_features: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
    """Logits (N, K) in evaluation mode and, if asked, features (N, D); the mode stays as it was.

    Features are the input of :func:`last_layer`, caught on the way, such that they cost no second
    pass, and that the network may be wrapped.

    Raises:
        UserError: The head has no such layer, or it is compiled; or see :func:`class_scores`.
    """
    seen, catch = [], None
    if with_features:
        catch = last_layer(network).register_forward_pre_hook(
            lambda layer, inputs: seen.append(inputs[0]))
    training = network.training
    if training:
        network.eval()
    try:
        logits = class_scores(network, images)
    finally:
        if training:
            nn.Module.train(network)
        if catch is not None:
            catch.remove()
    if with_features and not seen:
        raise UserError('the last layer did not show its input, as when it is compiled: leave the '
                        'head out of CompileHook.modules, or use a rule that needs no features')
    return logits, seen[0].float() if seen else None


def mean_of_views(values: Tensor, images: int) -> Tensor:
    """(V * N, D) of V views of each of N images, view after view -> their means, (N, D)."""
    return values if len(values) == images else values.view(-1, images, values.size(1)).mean(0)
