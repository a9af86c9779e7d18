"""Batch normalization of the cells that SparK shows, without touching the ones that it hides."""
from typing import Tuple

import torch
from mmpretrain.models.utils.sparse_modules import SparseHelper
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.errors import UserError


def _pieces(x: Tensor, count: int) -> Tensor:
    """The rows of all cells, (count, width of a cell x C); a view where ``x`` is channels last."""
    return x.permute(0, 2, 3, 1).reshape(count, -1)


def _put(pieces: Tensor, index: Tensor, count: int, shape: Tuple[int, ...]) -> Tensor:
    # Not a view of anything: the ReLU that follows writes into it.
    out = torch.empty(shape, dtype=pieces.dtype, device=pieces.device,
                      memory_format=torch.channels_last).zero_()
    _pieces(out, count).index_copy_(0, index, pieces)
    return out


def _shown_pieces(shown: Tensor, height: int) -> Tensor:
    """Which rows of cells are shown in a map of this height; ``shown`` is (N, 1, f, f)."""
    if not hasattr(shown, 'pieces'):  # once per step: a GPU that is asked for them is waited for
        shown.pieces, shown.cells = {}, shown.flatten().nonzero()
    if height not in shown.pieces:  # many norms see a map of this height
        side = shown.shape[-1]
        rows = height // side
        line = shown.cells // side * rows + torch.arange(rows, device=shown.device)
        shown.pieces[height] = (line * side + shown.cells % side).flatten()
    return shown.pieces[height]


class _Take(torch.autograd.Function):
    """Some pieces of (N, C, H, W). None is taken twice, so the gradient is a copy, not a sum."""

    @staticmethod
    def forward(ctx, x: Tensor, index: Tensor, count: int) -> Tensor:
        ctx.save_for_backward(index)
        ctx.count, ctx.shape = count, x.shape
        return _pieces(x, count).index_select(0, index)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _put(grad, *ctx.saved_tensors, ctx.count, ctx.shape), None, None


class _Put(torch.autograd.Function):
    """The way back; the other pieces are 0."""

    @staticmethod
    def forward(ctx, pieces: Tensor, index: Tensor, count: int, shape: Tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(index)
        ctx.count = count
        return _put(pieces, index, count, shape)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _pieces(grad, ctx.count).index_select(0, *ctx.saved_tensors), None, None, None


@MODELS.register_module()
class MaskedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the shown cells of (N, C, H, W); hidden ones come out as 0.

    The same numbers as ``SparseBatchNorm2d`` behind a ``SparseConv2d``. What is hidden cannot
    reach its output, so that a plain convolution before it will do. A row of a cell is one piece
    of memory (channels last) and moved as a whole.

    ``SparK`` says which cells are shown: (N, 1, f, f) of bool, where f divides H and W.

    Source: Tian et al., "Designing BERT for Convolutional Networks", ICLR 2023, arXiv 2301.03580,
    section 3.1.

    Raises:
        UserError: The map has another number of channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.num_features:
            raise UserError(f'MaskedBatchNorm2d of {self.num_features} channels got {x.shape[1]}: '
                            'set model.enc_dec_norm_dim of SparK to the channels of the '
                            f"backbone's last stage, which are {x.shape[1]}")
        shown = SparseHelper._cur_active
        index = _shown_pieces(shown, x.shape[2])
        count = x.shape[0] * x.shape[2] * shown.shape[-1]
        pieces = _Take.apply(x, index, count)
        pixels = pieces.view(1, -1, 1, x.shape[1]).permute(0, 3, 1, 2)
        pixels = super().forward(pixels).permute(0, 2, 3, 1)
        return _Put.apply(pixels.reshape(pieces.shape), index, count, x.shape)
