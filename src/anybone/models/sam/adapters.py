"""Adapters: small bottleneck MLPs beside frozen layers."""

from __future__ import annotations

from torch import Tensor, nn

from anybone.core.array_types import Float
from anybone.models.sam.layers import gelu

PARALLEL_ADAPTER_SCALE = 0.5  # weight of the adapter beside a block's MLP, as published


class Adapter(nn.Module):
    """Down, GELU, up; the input is added where `skip`.

    Args:
        dim: Width in and out.
        ratio: Hidden width relative to `dim`.
        skip: Whether the input is added to the output.
    """

    def __init__(self, dim: int, ratio: float, *, skip: bool) -> None:
        super().__init__()
        hidden = int(dim * ratio)
        self.down = nn.Linear(dim, hidden)
        self.up = nn.Linear(hidden, dim)
        self.skip = skip

    def forward(self, x: Float[Tensor, "*b dim"]) -> Float[Tensor, "*b dim"]:
        """Return the adapted features, of the input's shape."""
        adapted = self.up(gelu(self.down(x)))
        return x + adapted if self.skip else adapted  # type: ignore[no-any-return]
