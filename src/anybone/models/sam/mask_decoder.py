"""SAM's mask decoder, with two bone masks beside the single one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.models.config import DETAIL_FACTOR, ModelConfig
from anybone.models.sam.layers import ChannelNorm, ReluMlp, gelu
from anybone.models.sam.two_way_transformer import TwoWayTransformer


class MaskDecoder(nn.Module):
    """Embedding and prompts -> masks at four times the embedding's resolution, and their quality.

    SAM's decoder makes `masks` + 1 masks, the first for unambiguous prompts. As published, the first is left out:
    the other `masks` are returned. Masks of named bones have tokens of their own, which are looked at without those.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.masks, self.bones = config.masks, len(config.bones)
        c, outputs = config.embed_dim, 1 + self.masks + self.bones
        self.transformer = TwoWayTransformer(
            c, config.decoder_depth, config.decoder_heads, config.decoder_mlp_dim, adapters=config.decoder_adapters
        )
        self.quality_token = nn.Parameter(torch.randn(1, c))
        self.mask_tokens = nn.Parameter(torch.randn(outputs, c))
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(c, c // 4, 2, 2),
            ChannelNorm(c // 4),
            nn.GELU(),
            nn.ConvTranspose2d(c // 4, c // 8, 2, 2),
            nn.GELU(),
        )
        self.sharpen = _Sharpen(c // 8, config.detail_channels) if config.detail_channels else None
        self.hypernetworks = nn.ModuleList(ReluMlp((c, c, c, c // 8)) for _ in range(outputs))
        self.quality_head = ReluMlp((c, c, c, outputs))

    def forward(
        self,
        embedding: Float[Tensor, "b c_detail h w"],
        position: Float[Tensor, "1 c h w"],
        tokens: Float[Tensor, "b t c"],
        dense: Float[Tensor, "d c h w"],
        *,
        by_name: bool = False,
    ) -> tuple[Float[Tensor, "b n h4 w4"], Float[Tensor, "b n"]]:
        """Mask logits and predicted IoU of the `masks` or of the named bones; SAM's unambiguous mask is left out."""
        asked = slice(1 + self.masks, None) if by_name else slice(1 + self.masks)
        b, _, h, w = embedding.shape
        embedding, detail = embedding[:, : position.shape[1]], embedding[:, position.shape[1] :]
        own = torch.cat([self.quality_token, self.mask_tokens[asked]]).expand(b, -1, -1)
        image = (embedding + dense).flatten(2).transpose(1, 2)
        out, image = self.transformer(torch.cat([own, tokens], 1), image, position.flatten(2).transpose(1, 2))
        pixels = self.upscale(image.transpose(1, 2).unflatten(2, (h, w)))
        if self.sharpen is not None:
            pixels = self.sharpen(pixels, F.pixel_shuffle(detail, DETAIL_FACTOR))
        left_out = 0 if by_name else 1
        networks = list(self.hypernetworks[asked])[left_out:]
        kernels = torch.stack([net(out[:, 1 + left_out + i]) for i, net in enumerate(networks)], 1)
        logits = (kernels @ pixels.flatten(2)).unflatten(2, pixels.shape[2:])
        return logits, self.quality_head(out[:, 0])[:, asked][:, left_out:]


class _Sharpen(nn.Module):
    """The decoder's pixels, sharpened by detail of the encoder's first stage."""

    def __init__(self, channels: int, detail_channels: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(channels + detail_channels, channels, 3, padding=1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)  # a network that others' weights start is theirs at first
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(
        self, pixels: Float[Tensor, "b c h4 w4"], detail: Float[Tensor, "b d h4 w4"]
    ) -> Float[Tensor, "b c h4 w4"]:
        """Pixels of the same shape."""
        return pixels + self.out(gelu(self.join(torch.cat([pixels, detail], 1))))  # type: ignore[no-any-return]
