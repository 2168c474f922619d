"""The interface of every network that segments slices, learned or classical."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import torch
from torch import Tensor, nn

from anybone.core.array_types import Float

N = TypeVar("N", bound="Network")


class Network(nn.Module):
    """Base class with four methods: encode, attend, fuse and decode.

    A network without a 3-D branch implements `encode` and `decode` only.

    Attributes:
        depth_attention: 3-D branch from volumes `b 1 64 64 64` to bone logits of that shape; None if there is none.
    """

    depth_attention: nn.Module | None

    def __init__(self) -> None:
        super().__init__()
        self.depth_attention = None

    @property
    @abstractmethod
    def image_size(self) -> int:
        """Side of the input frame in pixels."""

    @property
    def uses_volume(self) -> bool:
        """True if there is a 3-D branch, so that `attend` and `fuse` have an effect."""
        return self.depth_attention is not None

    @abstractmethod
    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        """Return the image embeddings that `decode` needs."""

    def attend(self, volumes: Float[Tensor, "b 1 64 64 64"]) -> Float[Tensor, "b 1 64 64 64"]:
        """Return the 3-D branch's probability of bone; 1 everywhere for a network without that branch."""
        if self.depth_attention is None:
            return torch.ones_like(volumes)
        return torch.sigmoid(self.depth_attention(volumes))

    def fuse(self, embedding: Tensor, attention: Tensor) -> Tensor:
        """Return the embedding combined with attention maps; the embedding itself unless a network overrides this."""
        return embedding

    @abstractmethod
    def decode(
        self,
        embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b masks h4 w4"], Float[Tensor, "b masks"]]:
        """Return mask logits (channel 1 is bone, above 0) and predicted quality; without prompts: all bone.

        Args:
            embedding: From `encode` or `fuse`.
            points_xy: `b n 2`, pixels of the input frame.
            point_labels: `b n`: 1 bone, 0 background, -1 padding.
            boxes_xyxy: `b m 4`.
            mask_logits: `b 1 h4 w4`, a quarter of the input's resolution.
        """

    def inference_copy(self) -> Network:
        """Return a copy that computes the same faster; the network itself unless a subclass overrides this."""
        return self

    def channels_last(self: N) -> N:
        """Convert the weights of 2-D convolutions to channels-last; feature maps then have that layout too."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's weights; the CPU if it has none."""
    return next((p.device for p in network.parameters()), torch.device("cpu"))
