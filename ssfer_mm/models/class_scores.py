"""A classifier's scores, or else the setting because of which it gives none."""
from torch import Tensor, nn

from ssfer_mm.errors import UserError

from .misfit import misfit


def class_scores(network: nn.Module, images: Tensor) -> Tensor:
    """Logits (N, K) of an ``ImageClassifier`` for images (N, 3, H, W).

    Raises:
        UserError: Images, backbone, neck and head do not fit together, or the head gives several
            sets of scores per image.
    """
    try:
        scores = network(images)
    except Exception as error:
        device = any(word in str(error) for word in ('CUDA', 'memory'))
        reason = None if device else misfit(network, images, error)
        if reason is None:
            raise
        raise UserError(reason) from error
    if not isinstance(scores, Tensor):
        raise UserError(f'{type(network.head).__name__} gives {len(scores)} sets of scores per '
                        'image in training, and SSFER needs one: set model.classifier.head to '
                        'another head, such as LinearClsHead, or take another backbone where this '
                        'one gives several features, as Conformer does')
    if scores.ndim != 2:
        reason = misfit(network, images, ValueError('scores of every token'))
        raise UserError(reason or f'{type(network.head).__name__} gives scores of the shape '
                        f'{tuple(scores.shape)}, and SSFER needs (B, K): take another head')
    return scores
