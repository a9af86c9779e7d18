"""Where in a face a classifier finds what speaks for a class. Importing this file needs torch.

Gradient times activation, position by position (HiResCAM, Draelos & Carin, arXiv 2011.08891, eq. 4;
for a CNN with average pooling it is Grad-CAM, Selvaraju et al., arXiv 1610.02391, up to a factor),
with one change: activations are counted from their mean over the positions. To first order the
value of a position is then what the score would lose if its features were average ones, and the
large part that all tokens of a ViT share cancels.
"""
from typing import List, Sequence

import torch
from torch import Tensor, nn

from ssfer_mm.errors import UserError


def class_evidence(model: nn.Module, images: Tensor, classes: Sequence[int]) -> Tensor:
    """What speaks for a class, on the grid of the classifier's own features.

    Args:
        model: An ``ImageClassifier``.
        images: (N, 3, H, W), normalized as the model wants them.
        classes: For each image the index of the class that is asked about.

    Returns:
        (N, h, w) in [0, 1], on the device of the images. The maximum is 1, or all is 0 where
        nothing speaks for the class.

    Raises:
        UserError: The features of this backbone have no places in the image.
    """
    kept: List[Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: object) -> None:
        features = output[-1] if isinstance(output, (tuple, list)) else output
        if features.requires_grad:
            kept.append(features)

    handle = feature_module(model.backbone).register_forward_hook(keep)
    try:
        # Frozen weights, too, have features whose gradient is wanted.
        with torch.inference_mode(False), torch.enable_grad():
            scores = model(images.clone().requires_grad_(), mode='tensor')
            chosen = scores[torch.arange(len(images)), torch.as_tensor(classes)].sum()
            gradient, = torch.autograd.grad(chosen, kept[-1])
    finally:
        handle.remove()
    features, gradient = (on_grid(values, model.backbone) for values in (kept[-1].detach(),
                                                                         gradient))
    centered = features - features.mean(dim=(2, 3), keepdim=True)
    evidence = (gradient * centered).sum(dim=1).clamp(min=0)
    return evidence / evidence.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)


def feature_module(backbone: nn.Module) -> nn.Module:
    """The module whose output is looked at: the last where every place can still matter."""
    if keeps_tokens(backbone):
        if backbone.out_type in ('raw', 'featmap'):
            return backbone.ln1 if backbone.final_norm else backbone.layers[-1]
        # The last layers have already carried the evidence to the cls token.
        return backbone.layers[max(0, len(backbone.layers) // 2 - 1)]
    if getattr(backbone, 'gap_before_final_norm', False):  # ConvNeXt: its output is pooled
        return backbone.stages[-1]
    return backbone


def keeps_tokens(backbone: nn.Module) -> bool:
    """Whether it is one of mmpretrain's ViTs, which keep a sequence of tokens."""
    return all(hasattr(backbone, name) for name in ('layers', 'num_extra_tokens', 'out_type'))


def on_grid(features: Tensor, backbone: nn.Module) -> Tensor:
    """(N, C, h, w) of features that come as such or as tokens (N, extra + h * w, C).

    Raises:
        UserError: They have no places.
    """
    if features.ndim == 3 and keeps_tokens(backbone):
        features = features[:, backbone.num_extra_tokens:].transpose(1, 2)
        height, width = backbone.patch_resolution
        if height * width == features.shape[2]:
            return features.unflatten(2, (height, width))
    if features.ndim != 4 or features.shape[2] * features.shape[3] < 2:
        raise UserError(f'{type(backbone).__name__} has no map to show: its features '
                        f'{tuple(features.shape)} have no places in the image; use a ViT, or a CNN '
                        'with larger faces')
    return features
