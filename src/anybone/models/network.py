"""Network: the four verbs that the nine steps need, whoever implements them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from anybone.core.array_types import Float


@runtime_checkable
class Network(Protocol):
    """What segments slices: `model.BoneSam`, or a classical method with the same verbs.

    Attributes:
        image_size: Side of the input frame in pixels.
        uses_volume: Whether `attend` and `fuse` do anything.
    """

    @property
    def image_size(self) -> int:
        """Side of the input frame in pixels."""
        ...

    @property
    def uses_volume(self) -> bool:
        """Whether there is a 3-D branch, so that `attend` and `fuse` do anything."""
        ...

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        """What `decode` needs to know of images."""
        ...

    def attend(self, volumes: Float[Tensor, "b 1 64 64 64"]) -> Float[Tensor, "b 1 64 64 64"]:
        """The probability of bone in each cell of whole volumes."""
        ...

    def fuse(self, embedding: Tensor, attention: Float[Tensor, "b h w"]) -> Tensor:
        """The embedding, with attention to what the volume's 3-D structure suggests."""
        ...

    def decode(
        self,
        embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b 2 h4 w4"], Float[Tensor, "b 2"]]:
        """Logits of two masks, the second of bone, at a quarter of the input's resolution, and their quality."""
        ...
