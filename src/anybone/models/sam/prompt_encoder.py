"""SAM's prompt encoder (Kirillov et al. 2023): points and boxes become tokens, a mask becomes an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from anybone.core.array_types import Float, Int
from anybone.models.config import EMBEDDING_STRIDE
from anybone.models.sam.layers import ChannelNorm

PADDING, NEGATIVE, POSITIVE, BOX_MIN, BOX_MAX = -1, 0, 1, 2, 3  # kinds of a point token


class FourierPosition(nn.Module):
    """Positions in the input frame -> random Fourier features."""

    def __init__(self, channels: int, image_size: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, channels // 2))
        self.frequencies: Tensor
        self.image_size = image_size

    def forward(self, pixels_xy: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b c"]:
        """Features of positions given in input pixels, where the first pixel's center is 0.5."""
        angles = 2 * math.pi * ((2 * pixels_xy / self.image_size - 1) @ self.frequencies)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def grid(self, height: int, width: int) -> Float[Tensor, "1 c h w"]:
        """Features of the centers of an embedding's cells."""
        options = {"device": self.frequencies.device, "dtype": self.frequencies.dtype}
        y = (torch.arange(height, **options) + 0.5) * EMBEDDING_STRIDE  # type: ignore[call-overload]
        x = (torch.arange(width, **options) + 0.5) * EMBEDDING_STRIDE  # type: ignore[call-overload]
        cells = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        return self(cells).permute(2, 0, 1)[None]  # type: ignore[no-any-return]


class PromptEncoder(nn.Module):
    """Prompts in pixels of the input frame -> sparse tokens `b n c` and a dense image `b c h w`."""

    def __init__(self, channels: int, image_size: int, mask_channels: int) -> None:
        super().__init__()
        self.position = FourierPosition(channels, image_size)
        self.kinds = nn.Parameter(torch.randn(4, channels))  # NEGATIVE, POSITIVE, BOX_MIN, BOX_MAX
        self.padding = nn.Parameter(torch.randn(channels))
        self.no_mask = nn.Parameter(torch.randn(channels))
        self.mask_convs = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, 2, 2),
            ChannelNorm(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, 2, 2),
            ChannelNorm(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, channels, 1),
        )

    def tokens(
        self,
        batch: int,
        points_xy: Float[Tensor, "b n 2"] | None,
        point_labels: Int[Tensor, "b n"] | None,
        boxes_xyxy: Float[Tensor, "b m 4"] | None,
    ) -> Float[Tensor, "b t c"]:
        """One token a point (1 bone, 0 not, -1 padding) and two a box; points without a box end with one padding."""
        device = self.kinds.device
        xy = [self.kinds.new_zeros(batch, 0, 2)]
        kinds = [torch.zeros(batch, 0, dtype=torch.long, device=device)]
        if points_xy is not None and point_labels is not None:
            xy.append(points_xy + 0.5)
            kinds.append(point_labels)
            if boxes_xyxy is None:
                xy.append(points_xy.new_zeros(batch, 1, 2))
                kinds.append(kinds[-1].new_full((batch, 1), PADDING))
        if boxes_xyxy is not None:
            xy.append(boxes_xyxy.reshape(batch, -1, 2) + 0.5)
            kinds.append(torch.tensor([BOX_MIN, BOX_MAX], device=device).repeat(batch, boxes_xyxy.shape[1]))
        kind = torch.cat(kinds, 1)
        placed = self.position(torch.cat(xy, 1)) + self.kinds[kind.clamp(min=0)]
        return torch.where((kind == PADDING)[..., None], self.padding, placed)

    def dense(
        self, mask_logits: Float[Tensor, "b 1 h4 w4"] | None, height: int, width: int
    ) -> Float[Tensor, "b c h w"]:
        """Return the image that is added to the embedding: from a mask prompt, or the learned "no mask"."""
        if mask_logits is None:
            return self.no_mask[None, :, None, None].expand(1, -1, height, width)
        return self.mask_convs(mask_logits)  # type: ignore[no-any-return]
