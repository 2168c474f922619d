"""The 3-D branch: one whole volume at 64 x 64 x 64 -> the probability of bone in each cell.

`VNet` (Milletari et al. 2016) follows the layout of MONAI's, whose weights were published; `LightUNet3d` does the same
work with a fiftieth of the arithmetic or less, for small models.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float

ATTENTION_SIDE = 64  # cells along each axis of the branch's input and output
VNET_DROPOUT = 0.5


class ConvNorm3d(nn.Module):
    """5 x 5 x 5 convolution without bias, then batch norm."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(c_in, c_out, 5, padding=2, bias=False)
        self.norm = nn.BatchNorm3d(c_out)

    def forward(self, x: Float[Tensor, "b c_in d h w"]) -> Float[Tensor, "b c_out d h w"]:
        """Return the normalized convolution."""
        return self.norm(self.conv(x))  # type: ignore[no-any-return]


class Down(nn.Module):
    """Halves the resolution, doubles the channels, then `convs` convolutions with a residual around them."""

    def __init__(self, c_in: int, convs: int, *, dropout: bool) -> None:
        super().__init__()
        self.resample = nn.Conv3d(c_in, 2 * c_in, 2, 2, bias=False)
        self.norm = nn.BatchNorm3d(2 * c_in)
        self.dropout = nn.Dropout3d(VNET_DROPOUT if dropout else 0.0)
        self.convs = nn.ModuleList(ConvNorm3d(2 * c_in, 2 * c_in) for _ in range(convs))

    def forward(self, x: Float[Tensor, "b c d h w"]) -> Float[Tensor, "b c2 d2 h2 w2"]:
        """Features at half the resolution."""
        down = F.elu(self.norm(self.resample(x)))
        return F.elu(_run(self.convs, self.dropout(down)) + down)


class Up(nn.Module):
    """Doubles the resolution, joins the skipped features, then `convs` convolutions with a residual around them."""

    def __init__(self, c_in: int, c_out: int, convs: int, *, dropout: bool) -> None:
        super().__init__()
        self.resample = nn.ConvTranspose3d(c_in, c_out // 2, 2, 2)
        self.norm = nn.BatchNorm3d(c_out // 2)
        self.dropout = nn.Dropout3d(VNET_DROPOUT if dropout else 0.0)
        self.skip_dropout = nn.Dropout3d(VNET_DROPOUT)
        self.convs = nn.ModuleList(ConvNorm3d(c_out, c_out) for _ in range(convs))

    def forward(
        self, x: Float[Tensor, "b c d h w"], skipped: Float[Tensor, "b c2 d2 h2 w2"]
    ) -> Float[Tensor, "b c3 d2 h2 w2"]:
        """Features at the skipped ones' resolution."""
        up = F.elu(self.norm(self.resample(self.dropout(x))))
        joined = torch.cat([up, self.skip_dropout(skipped)], 1)
        return F.elu(_run(self.convs, joined) + joined)


def _run(convs: nn.ModuleList, x: Tensor) -> Tensor:
    for conv in convs:
        x = F.elu(conv(x))
    return x


class VNet(nn.Module):
    """The published branch: 45.6 million weights, 181 GFLOP."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = ConvNorm3d(1, 16)
        self.downs = nn.ModuleList(
            [
                Down(16, 1, dropout=False),
                Down(32, 2, dropout=False),
                Down(64, 3, dropout=True),
                Down(128, 2, dropout=True),
            ]
        )
        self.ups = nn.ModuleList(
            [
                Up(256, 256, 2, dropout=True),
                Up(256, 128, 2, dropout=True),
                Up(128, 64, 1, dropout=False),
                Up(64, 32, 1, dropout=False),
            ]
        )
        self.leave = ConvNorm3d(32, 1)
        self.scale = nn.Conv3d(1, 1, 1)

    def forward(self, volumes: Float[Tensor, "b 1 d h w"]) -> Float[Tensor, "b 1 d h w"]:
        """Logits of bone."""
        x = self.enter(volumes)
        features = [F.elu(x + volumes.expand_as(x))]
        for down in self.downs:
            features.append(down(features[-1]))
        x = features.pop()
        for up, skipped in zip(self.ups, reversed(features), strict=True):
            x = up(x, skipped)
        return self.scale(F.elu(self.leave(x)))  # type: ignore[no-any-return]


class LightBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions with group norm and a residual."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(c_in, c_out, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(4, c_out)
        self.second = nn.Conv3d(c_out, c_out, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(4, c_out)
        self.skip = nn.Conv3d(c_in, c_out, 1, stride)

    def forward(self, x: Float[Tensor, "b c d h w"]) -> Float[Tensor, "b c2 d2 h2 w2"]:
        """Features at 1 / stride of the resolution."""
        return F.relu(self.norm2(self.second(F.relu(self.norm1(self.first(x))))) + self.skip(x))


class LightUNet3d(nn.Module):
    """A small 3-D U-Net that works at half resolution and below: 360 177 weights, or 202 837 if it is slim."""

    WIDTHS = (16, 32, 64)
    SLIM = (12, 24, 48)

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c = widths
        self.enter = LightBlock(1, a, 2)
        self.down1 = LightBlock(a, b, 2)
        self.down2 = LightBlock(b, c, 2)
        self.up1 = LightBlock(c + b, b, 1)
        self.up2 = LightBlock(b + a, a, 1)
        self.leave = nn.Conv3d(a, 1, 1)

    def forward(self, volumes: Float[Tensor, "b 1 d h w"]) -> Float[Tensor, "b 1 d h w"]:
        """Logits of bone."""
        # On a CPU torch has a slow convolution for one volume, and a fast one that does two in half of its time.
        alone = len(volumes) == 1 and volumes.device.type == "cpu"
        fine = self.enter(volumes.expand(2, -1, -1, -1, -1) if alone else volumes)
        middle = self.down1(fine)
        x = self.up1(torch.cat([_double(self.down2(middle)), middle], 1))
        x = self.up2(torch.cat([_double(x), fine], 1))
        return _double(cast(Tensor, self.leave(x)))[: len(volumes)]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)


DEPTH_BRANCHES: dict[str, Callable[[], nn.Module]] = {
    "vnet": VNet,
    "light": LightUNet3d,
    "slim": partial(LightUNet3d, LightUNet3d.SLIM),
}
