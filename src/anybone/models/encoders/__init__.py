"""Image encoders: image `b 3 h w` -> embedding `b c h/16 w/16`, c = embed_dim + 16 detail_channels."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from anybone.models.config import ModelConfig
from anybone.models.encoders.tiny_vit import TinyVit

ENCODERS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "tiny_vit": lambda config: TinyVit(
        config.tiny_vit, embed_dim=config.embed_dim, detail_channels=config.detail_channels
    ),
}
