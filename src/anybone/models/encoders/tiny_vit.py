"""TinyViT (Wu et al. 2022) as MobileSAM uses it (Zhang et al. 2023), with SegmentAnyBone's adapters.

Feature maps are `b c h w`. Where weights lie channels-last (see `BoneSam.for_inference`), maps do too, and the view
`b h w c` that attention and MLPs need costs nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.models.config import DETAIL_FACTOR, TinyVitConfig
from anybone.models.sam.adapters import PARALLEL_ADAPTER_SCALE, Adapter
from anybone.models.sam.layers import ChannelNorm, ConvNorm, by_rows, gelu

STAGE_MERGE_STRIDES = (2, 2, 1)  # MobileSAM keeps stride 16 in the last stage
STRIP_ROWS = 16  # rows of a feature map worked on at a time: what is held in between fits a core's cache


class PatchEmbed(nn.Module):
    """Two strided convolutions: image -> features at a quarter of its size."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = ConvNorm(3, dim // 2, 3, stride=2)
        self.second = ConvNorm(dim // 2, dim, 3, stride=2)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        """Features at a quarter of the resolution."""
        return self.second(gelu(self.first(images)))  # type: ignore[no-any-return]


class ConvBlock(nn.Module):
    """An inverted bottleneck (MBConv) with a residual: the first stage's block."""

    EXPANSION = 4

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = dim * self.EXPANSION
        self.expand = ConvNorm(dim, hidden)
        self.depthwise = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.project = ConvNorm(hidden, dim)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Features of the input's shape, made in strips of rows where no gradient is wanted (see `by_rows`)."""
        height = x.shape[2]
        if torch.is_grad_enabled() or not isinstance(self.expand.norm, nn.Identity) or height <= STRIP_ROWS:
            return gelu(x + self.project(gelu(self.depthwise(gelu(self.expand(x))))))
        out = torch.empty_like(x)
        for start in range(0, height, STRIP_ROWS):
            out[:, :, start : start + STRIP_ROWS] = self._strip(x, start, min(start + STRIP_ROWS, height))
        return out

    def _strip(self, x: Float[Tensor, "b c h w"], start: int, stop: int) -> Float[Tensor, "b c rows w"]:
        """Rows start to stop of the answer; the depthwise convolution needs one row more on either side."""
        above, below = int(start == 0), int(stop == x.shape[2])  # rows beyond the image, zero
        hidden = gelu(self.expand(x[:, :, start - 1 + above : stop + 1 - below]))
        depthwise = self.depthwise.conv
        hidden = F.pad(hidden, (0, 0, above, below))
        hidden = F.conv2d(hidden, depthwise.weight, depthwise.bias, padding=(0, 1), groups=depthwise.groups)
        return gelu(self.project(gelu(hidden)).add_(x[:, :, start:stop]))


class PatchMerge(nn.Module):
    """Goes from one stage's width and resolution to the next one's."""

    def __init__(self, dim: int, dim_out: int, stride: int) -> None:
        super().__init__()
        self.expand = ConvNorm(dim, dim_out)
        self.depthwise = ConvNorm(dim_out, dim_out, 3, stride=stride, groups=dim_out)
        self.project = ConvNorm(dim_out, dim_out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Features at 1 / stride of the resolution."""
        return self.project(gelu(self.depthwise(gelu(self.expand(x)))))  # type: ignore[no-any-return]


class WindowAttention(nn.Module):
    """Attention inside windows, with one learned bias per head and absolute offset."""

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        self.offsets: Tensor
        self.reset_offsets()

    def reset_offsets(self) -> None:
        """Compute the buffer that numbers the offsets; it is not stored in checkpoints."""
        self.register_buffer("offsets", _offset_index(self.window).to(self.attention_biases.device), persistent=False)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Attended features; maps that are no multiple of the window are padded with zeros first, as published."""
        b, h, w, c = x.shape
        side, heads = self.window, self.heads
        down, right = -h % side, -w % side
        if down or right:
            x = F.pad(x, (0, 0, 0, right, 0, down))
        rows, columns = (h + down) // side, (w + right) // side
        qkv = self.qkv(self.norm(x)).view(b, rows, side, columns, side, heads, 3, c // heads)
        q, k, v = qkv.permute(6, 0, 1, 3, 5, 2, 4, 7).reshape(3, b * rows * columns, heads, side * side, c // heads)
        # Written out: on small windows with a bias, scaled_dot_product_attention takes half as long again on a CPU.
        scores = (q * (c // heads) ** -0.5) @ k.transpose(-1, -2) + self.attention_biases[:, self.offsets]
        attended = (
            (scores.softmax(-1) @ v).view(b, rows, columns, heads, side, side, c // heads).permute(0, 1, 4, 2, 5, 3, 6)
        )
        return self.proj(attended.reshape(b, h + down, w + right, c)[:, :h, :w])  # type: ignore[no-any-return]


def _offset_index(window: int) -> Tensor:
    """For each pair of window positions, the number of their absolute offset (dy * window + dx): long "n n"."""
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    y, x = y.flatten(), x.flatten()
    return (y[:, None] - y[None]).abs() * window + (x[:, None] - x[None]).abs()


class Mlp(nn.Module):
    """Norm, linear, GELU, linear."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Features of the input's shape."""
        return self.fc2(gelu(self.fc1(self.norm(x))))  # type: ignore[no-any-return]


class AttentionBlock(nn.Module):
    """Window attention, a depthwise convolution, an MLP; adapters on the first and beside the last where asked."""

    def __init__(self, dim: int, heads: int, window: int, mlp_ratio: float, adapter_ratio: float | None) -> None:
        super().__init__()
        self.attention = WindowAttention(dim, heads, window)
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.space_adapter = Adapter(dim, adapter_ratio, skip=True) if adapter_ratio else None
        self.mlp_adapter = Adapter(dim, adapter_ratio, skip=False) if adapter_ratio else None

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Features of the input's shape."""
        x = by_rows(self._attend, x.permute(0, 2, 3, 1), self.attention.window)
        x = self.local_conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return by_rows(self._transform, x, STRIP_ROWS).permute(0, 3, 1, 2)

    def _attend(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        attended: Tensor = self.attention(x)
        if self.space_adapter is not None:
            attended = self.space_adapter(attended)
        return x + attended

    def _transform(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        out: Tensor = x + self.mlp(x)
        if self.mlp_adapter is not None:
            out = out + PARALLEL_ADAPTER_SCALE * self.mlp_adapter(x)
        return out


class TinyVit(nn.Module):
    """The encoder: image `b 3 h w` -> embedding `b c h/16 w/16`; h and w are multiples of 32.

    The embedding's first `embed_dim` channels are those of the last stage. Where there are `detail_channels`, 16 more
    for each hold 4 x 4 pixels of the first stage in every cell.
    """

    def __init__(self, config: TinyVitConfig, *, embed_dim: int, detail_channels: int = 0) -> None:
        super().__init__()
        dims = config.dims
        self.patch_embed = PatchEmbed(dims[0])
        stages: list[nn.Module] = [nn.Sequential(*(ConvBlock(dims[0]) for _ in range(config.depths[0])))]
        for stage in (1, 2, 3):
            ratio = config.adapter_ratio if stage in config.adapter_stages else None
            blocks = (
                AttentionBlock(dims[stage], config.heads[stage], config.windows[stage], config.mlp_ratio, ratio)
                for _ in range(config.depths[stage])
            )
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.merges = nn.ModuleList(
            PatchMerge(a, b, s) for a, b, s in zip(dims[:3], dims[1:], STAGE_MERGE_STRIDES, strict=True)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(dims[3], embed_dim, 1, bias=False),
            ChannelNorm(embed_dim),
            nn.Conv2d(embed_dim, embed_dim, 3, padding=1, bias=False),
            ChannelNorm(embed_dim),
        )
        self.detail = nn.Conv2d(dims[0], detail_channels, 1) if detail_channels else None
        self.classifier = _classifier(dims[3], config.classes) if config.classes else None

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h2 w2"]:
        """Return the image embedding."""
        first = x = self.stages[0](self.patch_embed(images))
        for merge, stage in zip(self.merges, self.stages[1:], strict=True):
            x = stage(merge(x))
        embedding: Tensor = self.neck(x)
        if self.detail is None:
            return embedding
        return torch.cat([embedding, F.pixel_unshuffle(self.detail(first), DETAIL_FACTOR)], 1)


def _classifier(dim: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))
