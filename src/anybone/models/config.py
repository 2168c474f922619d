"""ModelConfig: every size of the network. The defaults are the published network's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from anybone.core.errors import CheckpointError

EMBEDDING_STRIDE = 16  # input pixels per embedding cell, fixed by the encoder's strides 4, 8, 16, 16
DETAIL_FACTOR = 4  # pixels of detail, and of a mask, per embedding cell along each side


@dataclass(frozen=True)
class TinyVitConfig:
    """Sizes of the TinyViT encoder; the defaults are MobileSAM's TinyViT-5M with the published adapters.

    Attributes:
        dims: Channels of the four stages.
        depths: Blocks of the four stages; the first stage's are convolutions, the others' are attention.
        heads: Attention heads of the four stages (the first is not used).
        windows: Side of the attention windows of the four stages (the first is not used).
        mlp_ratio: Hidden width of a block's MLP, relative to its dim.
        adapter_stages: Stages whose blocks carry adapters.
        adapter_ratio: Hidden width of an adapter, relative to its dim.
        classes: Outputs of the image-classification head that TinyViT was pretrained with. It is never run; it is
            kept so that a published checkpoint is kept whole. 0: none.
    """

    dims: tuple[int, int, int, int] = (64, 128, 160, 320)
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    heads: tuple[int, int, int, int] = (2, 4, 5, 10)
    windows: tuple[int, int, int, int] = (7, 7, 14, 7)
    mlp_ratio: float = 4.0
    adapter_stages: tuple[int, ...] = (1, 2)
    adapter_ratio: float = 0.25
    classes: int = 1000


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the whole network.

    Attributes:
        image_size: Side of the square input frame in pixels, a multiple of 32.
        encoder: Key of `model.encoders.ENCODERS`.
        tiny_vit: Sizes of that encoder.
        embed_dim: Channels of the image embedding, a multiple of 8.
        decoder_depth: Two-way attention blocks in the mask decoder.
        decoder_heads: Attention heads there.
        decoder_mlp_dim: Hidden width of the token MLP there.
        decoder_adapters: Whether those blocks carry adapters.
        masks: Masks the decoder returns; channel 1 of two is bone.
        detail_channels: Channels of detail at a quarter of the input's resolution, from the encoder's first stage, that
            sharpen the masks; each takes 16 further channels of the embedding. 0 as published.
        prompt_mask_channels: Hidden width of the mask prompt's convolutions.
        bones: Label -> name of the bones that it tells apart, each with a mask of its own; empty: bone is bone.
        depth_attention: The 3-D branch: key of `model.depth_attention.DEPTH_BRANCHES`; None for a 2-D network.
        fusion: Fusion of embedding and attention with a 3-D branch: key of `models.fusion.FUSIONS`.
    """

    image_size: int = 1024
    encoder: Literal["tiny_vit"] = "tiny_vit"
    tiny_vit: TinyVitConfig = field(default_factory=TinyVitConfig)
    embed_dim: int = 256
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp_dim: int = 2048
    decoder_adapters: bool = True
    masks: int = 2
    detail_channels: int = 0
    prompt_mask_channels: int = 16
    bones: Mapping[int, str] = field(default_factory=dict)
    depth_attention: Literal["vnet", "light", "slim"] | None = "vnet"
    fusion: Literal["gate", "narrow gate", "product", "concatenation"] = "gate"

    def __post_init__(self) -> None:
        if self.image_size % 32 or self.image_size <= 0:
            raise CheckpointError(f"image_size must be a positive multiple of 32; found {self.image_size}.")
        if self.embed_dim % (8 * self.decoder_heads // 4) or self.embed_dim % 8:
            raise CheckpointError(
                f"embed_dim must be a multiple of 8 and of twice decoder_heads; found {self.embed_dim} "
                f"with {self.decoder_heads} heads."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Return the configuration from the values of `to_dict`.

        Raises:
            CheckpointError: A key is not known here.
        """
        values = dict(values)
        encoder = _only_known(TinyVitConfig, values.pop("tiny_vit", {}))
        known = _only_known(cls, values)
        known["bones"] = {int(label): str(name) for label, name in known.get("bones", {}).items()}
        sizes: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in encoder.items()}
        return cls(**known, tiny_vit=TinyVitConfig(**sizes))


def _only_known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(values) - {f.name for f in fields(cls)})
    if unknown:
        raise CheckpointError(
            f"The checkpoint's configuration has keys {unknown} that this version does not know. Update anybone."
        )
    return values
