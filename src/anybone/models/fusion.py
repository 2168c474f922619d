"""Fusion of the 2-D embedding with the 3-D attention: by a gate as published, by a product, by concatenation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.models.sam.layers import ConvNorm


class AttentionFusion(nn.Module):
    """Fusion as published: (1 - gate) * e + gate * f(e * attention), with one learnable gate.

    Args:
        channels: Channels of the embedding.
        hidden: Hidden channels of f; 0: as many as the embedding.
    """

    INITIAL_GATE = 0.1  # an embedding that a decoder knows is hardly changed while the fusion is still random
    NARROW = 16

    def __init__(self, channels: int, hidden: int = 0) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((1,), self.INITIAL_GATE))
        self.first = ConvNorm(channels, hidden or channels, 3, bias=True)
        self.second = ConvNorm(hidden or channels, channels, 3, bias=True)

    def forward(
        self, embedding: Float[Tensor, "b c h w"], attention: Float[Tensor, "b h2 w2"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the fused embedding; an attention map of another resolution is resized (bilinear)."""
        attended = self.second(F.relu(self.first(embedding * _maps(attention, embedding))))
        fused: Tensor = (1 - self.gate) * embedding + self.gate * attended
        return fused


class ProductFusion(nn.Module):
    """p + f(p) with p = e * attention: nothing passes the attention by. f begins as zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3, bias=True)
        self.second = _beginning_at_zero(channels)

    def forward(
        self, embedding: Float[Tensor, "b c h w"], attention: Float[Tensor, "b h2 w2"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the fused embedding; an attention map of another resolution is resized (bilinear)."""
        product = embedding * _maps(attention, embedding)
        fused: Tensor = product + self.second(F.relu(self.first(product)))
        return fused


class ConcatenationFusion(nn.Module):
    """e + f(e, attention), the attention as one channel more. f begins as zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels + 1, channels, 3, bias=True)
        self.second = _beginning_at_zero(channels)

    def forward(
        self, embedding: Float[Tensor, "b c h w"], attention: Float[Tensor, "b h2 w2"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the fused embedding; an attention map of another resolution is resized (bilinear)."""
        both = torch.cat([embedding, _maps(attention, embedding).to(embedding)], 1)
        fused: Tensor = embedding + self.second(F.relu(self.first(both)))
        return fused


# The kinds that `ModelConfig.fusion` names, from the channels of the embedding.
FUSIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "gate": AttentionFusion,
    "narrow gate": partial(AttentionFusion, hidden=AttentionFusion.NARROW),
    "product": ProductFusion,
    "concatenation": ConcatenationFusion,
}


def _maps(attention: Float[Tensor, "b h2 w2"], embedding: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    maps = attention[:, None]
    if maps.shape[2:] != embedding.shape[2:]:
        maps = F.interpolate(maps, size=embedding.shape[2:], mode="bilinear", align_corners=False)
    return maps


def _beginning_at_zero(channels: int) -> ConvNorm:
    layer = ConvNorm(channels, channels, 3, bias=True)
    assert isinstance(layer.norm, nn.BatchNorm2d)
    nn.init.zeros_(layer.norm.weight)
    return layer
