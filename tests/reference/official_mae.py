"""The masked autoencoder as published (He et al., 2022), with the official files' weight names.

Slow and obvious: attention is written out, and nothing is shared with mmpretrain or timm.
"""
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):  # (B, L, C)
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        outputs = []
        for q, k, v in zip(*(part.chunk(self.heads, dim=-1) for part in (query, key, value))):
            scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
            outputs.append(scores.softmax(dim=-1) @ v)
        return self.proj(torch.cat(outputs, dim=-1))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=patch, stride=patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class OfficialMAE(nn.Module):
    """Encoder and decoder; sizes default to something that runs in a millisecond."""

    def __init__(self, img_size=32, patch=8, width=128, depth=2, heads=2, decoder_width=64,
                 decoder_depth=2, decoder_heads=2):
        super().__init__()
        self.length = (img_size // patch) ** 2
        self.patch_embed = PatchEmbed(patch, width)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + self.length, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.decoder_embed = nn.Linear(width, decoder_width)
        self.mask_token = nn.Parameter(torch.randn(1, 1, decoder_width))
        self.decoder_pos_embed = nn.Parameter(torch.randn(1, 1 + self.length, decoder_width))
        self.decoder_blocks = nn.ModuleList(
            Block(decoder_width, decoder_heads) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_width, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_width, patch * patch * 3)
        for parameter in self.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)

    def encode(self, images, keep):
        """Features (B, 1 + kept, C) of the patches with the numbers `keep` (B, kept)."""
        patches = self.patch_embed(images) + self.pos_embed[:, 1:]
        x = torch.stack([one[numbers] for one, numbers in zip(patches, keep)])
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([first, x], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def decode(self, features, keep):
        """Pixels (B, L, patch * patch * 3) of every patch."""
        features = self.decoder_embed(features)
        x = self.mask_token.repeat(len(features), self.length, 1)
        for one, numbers, visible in zip(x, keep, features[:, 1:]):
            one[numbers] = visible
        x = torch.cat([features[:, :1], x], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]
