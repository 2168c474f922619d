"""Names for bone that was found: which of the bones that a network tells apart each voxel belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.inference.slicing import MASK_STRIDE, SliceFrame
from anybone.models.bone_sam import BoneSam
from anybone.models.network import Network


class Namer:
    """Labels "slice rows columns" of a volume as its slices are looked at.

    Args:
        network: What tells bones apart; where it does not, all bone is label 1.
        shape: Slices, rows, columns.
    """

    def __init__(self, network: Network, shape: Sequence[int]) -> None:
        self._network = network if isinstance(network, BoneSam) and network.config.bones else None
        self.names = dict(self._network.config.bones) if self._network else {1: "bone"}
        self._labels = np.zeros(shape if self._network else (0,), dtype=np.uint16)
        self._seen: list[int] = []

    def look(self, embedding: Float[Tensor, "1 c h w"], frame: SliceFrame) -> None:
        """Nothing; keeps the likeliest bone in each voxel of a slice."""
        if self._network is None:
            return
        h, w = (side // MASK_STRIDE for side in frame.content_shape)
        inside = self._network.tell_apart(embedding)[..., :h, :w].float()
        likeliest = F.interpolate(inside, size=frame.picture_shape, mode="bilinear", align_corners=False)[0].argmax(0)
        labels = torch.tensor(list(self.names), dtype=torch.int32, device=likeliest.device)
        self._labels[frame.index] = labels[frame.planes(likeliest)].cpu().numpy()
        self._seen.append(frame.index)

    def label(self, mask: NDArray[np.bool_], axis: int) -> NDArray[np.uint16]:
        """Labels "i j k" of a mask; slices that were not looked at take those of the nearest one that was.

        Args:
            mask: "i j k", all bone.
            axis: Which slices are stacked along.
        """
        if not self._seen:
            return mask.astype(np.uint16)
        seen = np.asarray(sorted(self._seen))
        nearest = seen[np.abs(seen[None] - np.arange(len(self._labels))[:, None]).argmin(1)]
        return np.where(mask, np.moveaxis(self._labels[nearest], 0, axis), 0).astype(np.uint16)
