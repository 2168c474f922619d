"""Small layers that several parts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from anybone.core.array_types import Float


def gelu(x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
    """GELU of a tensor that nobody else needs: in place where no gradient is wanted, since new memory costs more."""
    return F.gelu(x) if torch.is_grad_enabled() else torch.ops.aten.gelu_(x)


def by_rows(function: Callable[[Tensor], Tensor], x: Float[Tensor, "b h w c"], rows: int) -> Float[Tensor, "b h w c"]:
    """Apply a function of images to strips of rows where no gradient is wanted.

    The function must treat strips independently. What it holds in between then stays in the processor's cache; whole
    images at 1024 pixels would need tens of megabytes of fresh memory at each layer.
    """
    if torch.is_grad_enabled() or x.shape[1] <= rows:
        return function(x)
    out = torch.empty_like(x)
    for start in range(0, x.shape[1], rows):
        out[:, start : start + rows] = function(x[:, start : start + rows])
    return out


class ConvNorm(nn.Module):
    """A convolution, then batch norm; `fold` makes one biased convolution of the two."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=bias)
        self.norm: nn.Module = nn.BatchNorm2d(c_out)

    def forward(self, x: Float[Tensor, "b c_in h w"]) -> Float[Tensor, "b c_out h2 w2"]:
        """Return the normalized convolution."""
        return self.norm(self.conv(x))  # type: ignore[no-any-return]

    def fold(self) -> None:
        """Fold the norm into the convolution for inference: the same numbers, one pass less over memory."""
        if isinstance(self.norm, nn.BatchNorm2d):
            _fold(self.conv, self.norm)
            self.norm = nn.Identity()


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    conv.weight, bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    conv.bias = bias


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every `ConvNorm` in `module`, in place. The module cannot be trained afterward."""
    for part in module.modules():
        if isinstance(part, ConvNorm):
            part.fold()


class ChannelNorm(nn.Module):
    """Layer norm over the channels of an image, as SAM's neck and upscaling use."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Each pixel's channels at mean 0 and variance 1, then scaled and shifted."""
        rows = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return rows.permute(0, 3, 1, 2)


class ReluMlp(nn.Module):
    """Linear layers with ReLU between them: SAM's hypernetworks and quality head."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Float[Tensor, "*b c_in"]) -> Float[Tensor, "*b c_out"]:
        """Return the last layer's output, without activation."""
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        return last(x)  # type: ignore[no-any-return]
