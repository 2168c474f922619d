"""Standard networks with the four verbs, so that the training loop and the engine take them as they take ours."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.evaluation.networks import build
from anybone.models.image_normalization import IMAGENET_MEAN, IMAGENET_STD
from anybone.models.network import Network
from anybone.models.volume_branch import ATTENTION_SIDE


class StandardSlices(Network):
    """A network of `NETWORKS` on slices: its logits are what `encode` gives and `decode` reads; it hears no prompts."""

    def __init__(self, name: str, image_size: int) -> None:
        super().__init__()
        self.encoder = build(name, 2, image_size)  # called as the part of ours that stage "everything" trains
        self.depth_attention = None
        self._image_size = image_size

    @property
    def image_size(self) -> int:
        """Side of the input frame in pixels."""
        return self._image_size

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Return an empty tensor: slices are not used."""
        h, w = images.shape[2:]
        black = (0 - IMAGENET_MEAN[0]) / IMAGENET_STD[0]
        square = F.pad(images[:, :1], (0, self._image_size - w, 0, self._image_size - h), value=black)
        return _finest(self.encoder(square))[:, :, :h, :w]

    def decode(
        self,
        embedding: Float[Tensor, "b 1 h w"],
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 2"]]:
        """All bone there is, at the resolution of the frame, and how sure the network is of it: prompts do nothing."""
        return _twice(embedding)


class StandardVolumes(Network):
    """A network of `NETWORKS` on whole volumes, at the place of the 3-D branch, which is its whole answer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.depth_attention = _Finest(build(name, 3, ATTENTION_SIDE))

    @property
    def image_size(self) -> int:
        """Cells along each side."""
        return ATTENTION_SIDE

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Return an empty tensor: slices are not used."""
        return torch.zeros_like(images[:, :1])

    def decode(
        self,
        embedding: Float[Tensor, "b 1 h w"],
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 2"]]:
        """No bone, since the answer is what `attend` gives."""
        return _twice(embedding)


class _Finest(nn.Module):
    """A network with its finest answer alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return _finest(self.network(x))


def _finest(answer: Tensor | list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    return answer if isinstance(answer, Tensor) else answer[0]


def _twice(logits: Float[Tensor, "b 1 h w"]) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 2"]]:
    sure = logits.detach().sigmoid()
    quality = sure.sub(0.5).abs().mul(2).mean((1, 2, 3))
    return logits.expand(-1, 2, -1, -1), quality[:, None].expand(-1, 2)
