"""The last layer of a ViT of which only the cls token is read."""
import torch.nn.functional as F
from mmpretrain.models.backbones.vision_transformer import (
    TransformerEncoderLayer,
    VisionTransformer,
)
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor, nn


class ClsTokenLayer(TransformerEncoderLayer):
    """A transformer layer that computes its first token only.

    The other tokens are asked for keys and values; their own queries, projections and MLP would be
    thrown away. With four-fold MLPs that is five sixths of the layer, of both passes: 7 % of a
    ViT-B. Outputs and gradients are those of the whole layer, to rounding.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, 1, C)."""
        x = x[:, :1] + self._attend(self.ln1(x))
        return self.ffn(self.ln2(x), identity=x)

    def _attend(self, x: Tensor) -> Tensor:
        attn, width = self.attn, self.embed_dims
        weight, bias = attn.qkv.weight, attn.qkv.bias
        biases = (None, None) if bias is None else (bias[:width], bias[width:])
        q = F.linear(x[:, :1], weight[:width], biases[0])
        q = q.unflatten(2, (attn.num_heads, attn.head_dims)).transpose(1, 2)
        kv = F.linear(x, weight[width:], biases[1])
        k, v = kv.unflatten(2, (2, attn.num_heads, attn.head_dims)).permute(2, 0, 3, 1, 4)
        x = attn.scaled_dot_product_attention(q, k, v, dropout_p=0.)
        x = attn.proj(x.transpose(1, 2).flatten(2))
        return attn.out_drop(attn.gamma1(x))


def compute_cls_token_only(classifier: nn.Module) -> None:
    """Let the last layer of a classifier's ViT leave out what nobody reads, in place.

    Parameters and their names stay as they are. Other backbones, ViTs whose patch tokens are read,
    and layers with dropout, whose draws would be others, are left alone.
    """
    backbone = classifier.backbone
    if type(backbone) is VisionTransformer and _reads_cls_token_only(backbone):
        layer = backbone.layers[-1]
        if type(layer) is TransformerEncoderLayer and _has_plain_attention(layer):
            layer.__class__ = ClsTokenLayer


def compute_all_tokens(classifier: nn.Module) -> None:
    """Undo :func:`compute_cls_token_only`."""
    for layer in classifier.modules():
        if type(layer) is ClsTokenLayer:
            layer.__class__ = TransformerEncoderLayer


def _reads_cls_token_only(backbone: VisionTransformer) -> bool:
    return (backbone.out_type == 'cls_token'
            and list(backbone.out_indices) == [len(backbone.layers) - 1])


def _has_plain_attention(layer: TransformerEncoderLayer) -> bool:
    attn = layer.attn
    drops = any(isinstance(m, nn.Dropout) and m.p > 0 for m in layer.modules())
    return (type(attn) is MultiheadAttention and not attn.v_shortcut and attn.attn_drop == 0
            and attn.input_dims == attn.embed_dims and not drops)
