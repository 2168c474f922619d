"""SliceNetwork: what the training loop and the engine need of a network, whatever is inside."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import torch
from torch import Tensor, nn

from anybone.core.array_types import Float

N = TypeVar("N", bound="SliceNetwork")


class SliceNetwork(nn.Module):
    """A module with the four verbs; one without a 3-D branch needs `encode` and `decode` alone.

    Attributes:
        depth_attention: The 3-D branch: volumes `b 1 64 64 64` to logits of bone of that shape; None: there is none.
    """

    depth_attention: nn.Module | None

    @property
    @abstractmethod
    def image_size(self) -> int:
        """Side of the input frame in pixels."""

    @property
    def uses_volume(self) -> bool:
        """Whether there is a 3-D branch."""
        return self.depth_attention is not None

    @abstractmethod
    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        """What `decode` needs to know of images."""

    def attend(self, volumes: Float[Tensor, "b 1 64 64 64"]) -> Float[Tensor, "b 1 64 64 64"]:
        """The 3-D branch's probability of bone; 1 everywhere for a network without that branch."""
        if self.depth_attention is None:
            return torch.ones_like(volumes)
        return torch.sigmoid(self.depth_attention(volumes))

    def fuse(self, embedding: Tensor, attention: Tensor) -> Tensor:
        """The embedding joined with attention; unchanged unless a network says how."""
        return embedding

    @abstractmethod
    def decode(
        self,
        embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b masks h2 w2"], Float[Tensor, "b masks"]]:
        """Mask logits (channel 1 is bone, above 0) and predicted quality; without prompts: all bone there is."""

    def channels_last(self: N) -> N:
        """This network with its 2-D convolutions' weights channels-last, which their feature maps then follow."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self
