"""The gate that joins the 2-D embedding and the 3-D attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.model.layers import ConvNorm
from anybone.shapes import Float


class AttentionFusion(nn.Module):
    """(1 - gate) * e + gate * f(e * attention), with one learnable gate."""

    INITIAL_GATE = 0.1  # an embedding that a decoder knows is hardly changed while the fusion is still random

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((1,), self.INITIAL_GATE))
        self.first = ConvNorm(channels, channels, 3, bias=True)
        self.second = ConvNorm(channels, channels, 3, bias=True)

    def forward(
        self, embedding: Float[Tensor, "b c h w"], attention: Float[Tensor, "b h2 w2"]
    ) -> Float[Tensor, "b c h w"]:
        """The fused embedding; an attention map of another resolution is resized (bilinear)."""
        maps = attention[:, None]
        if maps.shape[2:] != embedding.shape[2:]:
            maps = F.interpolate(maps, size=embedding.shape[2:], mode="bilinear", align_corners=False)
        attended = self.second(F.relu(self.first(embedding * maps)))
        fused: Tensor = (1 - self.gate) * embedding + self.gate * attended
        return fused
