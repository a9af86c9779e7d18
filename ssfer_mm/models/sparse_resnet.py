"""The small residual network of stages II and III, as SparK wants it in stage I."""
from typing import List, Optional, Sequence

from mmpretrain.models import ResNet_CIFAR
from mmpretrain.registry import MODELS

from ssfer_mm.errors import UserError


@MODELS.register_module()
class SparseResNet_CIFAR(ResNet_CIFAR):  # noqa: N801  the name of the network that it is
    """``ResNet_CIFAR`` of which no layer sees what SparK hides.

    Every convolution is followed by a :class:`MaskedBatchNorm2d`, which lets nothing hidden
    through. Its weights have the names and shapes of ``ResNet_CIFAR``, which stage II loads them
    into.

    Source: Tian et al., "Designing BERT for Convolutional Networks", ICLR 2023, arXiv 2301.03580.

    Args:
        depth: 18, 34, 50, 101 or 152.
        stem_channels: Of the first convolution.
        base_channels: Of the first stage; each next one has twice as many.
        strides: Of the stages. Their product is SparK's ``downsample_raito`` (sic).
        out_indices: Stages whose features the decoder gets.
        drop_path_rate: Of stochastic depth.
        init_cfg: None initializes as ``ResNet`` does.

    Raises:
        UserError: Fewer than 8 channels: see :class:`ChannelsLastHook`, whose layout the norm uses.
    """

    def __init__(self,
                 depth: int,
                 stem_channels: int = 64,
                 base_channels: int = 64,
                 strides: Sequence[int] = (1, 2, 2, 2),
                 out_indices: Sequence[int] = (0, 1, 2, 3),
                 drop_path_rate: float = 0.,
                 init_cfg: Optional[List[dict]] = None) -> None:
        if min(stem_channels, base_channels) < 8:
            raise UserError(f'SparseResNet_CIFAR: stem_channels is {stem_channels} and '
                            f'base_channels {base_channels}; expected at least 8 of each')
        super().__init__(
            depth, stem_channels=stem_channels, base_channels=base_channels, strides=strides,
            out_indices=out_indices, drop_path_rate=drop_path_rate, zero_init_residual=False,
            norm_cfg=dict(type='MaskedBatchNorm2d'),
            init_cfg=init_cfg or [
                dict(type='Kaiming', layer=['Conv2d']),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm'])])
