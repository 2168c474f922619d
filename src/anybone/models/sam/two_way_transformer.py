"""SAM's two-way transformer: prompt tokens and image cells attend to one another."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.models.sam.adapters import PARALLEL_ADAPTER_SCALE, Adapter

DECODER_ADAPTER_RATIO = 0.25
CROSS_ATTENTION_DOWNSAMPLE = 2


class Attention(nn.Module):
    """Multi-head attention whose inner width is dim / downsample."""

    def __init__(self, dim: int, heads: int, downsample: int = 1) -> None:
        super().__init__()
        inner = dim // downsample
        self.heads = heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(dim, inner)
        self.v_proj = nn.Linear(dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def forward(
        self, *, q: Float[Tensor, "b n c"], k: Float[Tensor, "b m c"], v: Float[Tensor, "b m c"]
    ) -> Float[Tensor, "b n c"]:
        """One output a query."""
        q, k, v = (
            proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for proj, x in ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v))
        )
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(attended.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves and to the image, pass an MLP, then the image attends to the tokens.

    One adapter, where there are any, serves tokens and image alike, each after its cross-attention; the other lies
    beside the MLP.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, *, adapters: bool, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attention = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.tokens_to_image = Attention(dim, heads, CROSS_ATTENTION_DOWNSAMPLE)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.ReLU(), nn.Linear(mlp_dim, dim))
        self.norm3 = nn.LayerNorm(dim)
        self.image_to_tokens = Attention(dim, heads, CROSS_ATTENTION_DOWNSAMPLE)
        self.norm4 = nn.LayerNorm(dim)
        self.adapter = Adapter(dim, DECODER_ADAPTER_RATIO, skip=True) if adapters else None
        self.mlp_adapter = Adapter(dim, DECODER_ADAPTER_RATIO, skip=False) if adapters else None

    def forward(
        self,
        tokens: Float[Tensor, "b n c"],
        image: Float[Tensor, "b m c"],
        token_position: Float[Tensor, "b n c"],
        image_position: Float[Tensor, "1 m c"],
    ) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b m c"]]:
        """Return new tokens and image, of their inputs' shapes."""
        adapt = self.adapter if self.adapter is not None else nn.Identity()
        if self.first:  # the first block's tokens are their own positions
            tokens = self.self_attention(q=tokens, k=tokens, v=tokens)
        else:
            placed = tokens + token_position
            tokens = tokens + self.self_attention(q=placed, k=placed, v=tokens)
        tokens = self.norm1(tokens)

        attended = self.tokens_to_image(q=tokens + token_position, k=image + image_position, v=image)
        tokens = self.norm2(adapt(tokens + attended))

        out = tokens + self.mlp(tokens)
        if self.mlp_adapter is not None:
            out = out + PARALLEL_ADAPTER_SCALE * self.mlp_adapter(tokens)
        tokens = self.norm3(out)

        attended = self.image_to_tokens(q=image + image_position, k=tokens + token_position, v=tokens)
        return tokens, self.norm4(adapt(image + attended))


class TwoWayTransformer(nn.Module):
    """Blocks of two-way attention and a last look of the tokens at the image."""

    def __init__(self, dim: int, depth: int, heads: int, mlp_dim: int, *, adapters: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TwoWayBlock(dim, heads, mlp_dim, adapters=adapters, first=i == 0) for i in range(depth)
        )
        self.final_attention = Attention(dim, heads, CROSS_ATTENTION_DOWNSAMPLE)
        self.final_norm = nn.LayerNorm(dim)

    def forward(
        self, tokens: Float[Tensor, "b n c"], image: Float[Tensor, "b m c"], image_position: Float[Tensor, "1 m c"]
    ) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b m c"]]:
        """Tokens and image cells after all blocks; the given tokens serve as their own position throughout."""
        position = tokens
        for block in self.blocks:
            tokens, image = block(tokens, image, position, image_position)
        attended = self.final_attention(q=tokens + position, k=image + image_position, v=image)
        return self.final_norm(tokens + attended), image
