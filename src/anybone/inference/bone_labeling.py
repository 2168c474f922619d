"""Names of bones: which of the bones that a network distinguishes each voxel belongs to."""

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


class BoneLabeler:
    """Bone labels of a volume, collected slice by slice.

    Args:
        network: Network that distinguishes bones; if it does not, all bone is label 1.
        shape: Number of slices, rows and columns.

    Attributes:
        names: Label number -> name of the bone.
    """

    def __init__(self, network: Network, shape: Sequence[int]) -> None:
        self._network = network if isinstance(network, BoneSam) and network.config.bones else None
        self.names = dict(self._network.config.bones) if self._network else {1: "bone"}
        self._labels = np.zeros(shape if self._network else (0,), dtype=np.uint16)
        self._labeled_slices: list[int] = []

    def add_slice(self, embedding: Float[Tensor, "1 c h w"], frame: SliceFrame) -> None:
        """Store the most probable bone in each voxel of a slice."""
        if self._network is None:
            return
        h, w = (side // MASK_STRIDE for side in frame.content_shape)
        inside = self._network.tell_apart(embedding)[..., :h, :w].float()
        best = F.interpolate(inside, size=frame.picture_shape, mode="bilinear", align_corners=False)[0].argmax(0)
        labels = torch.tensor(list(self.names), dtype=torch.int32, device=best.device)
        self._labels[frame.index] = labels[frame.planes(best)].cpu().numpy()
        self._labeled_slices.append(frame.index)

    def label(self, mask: NDArray[np.bool_], axis: int) -> NDArray[np.uint16]:
        """Return labels "i j k" of a mask; a slice without labels takes those of the nearest slice that has them.

        Args:
            mask: Mask of all bone, "i j k".
            axis: Array axis that slices are stacked along.
        """
        if not self._labeled_slices:
            return mask.astype(np.uint16)
        labeled = np.asarray(sorted(self._labeled_slices))
        nearest = labeled[np.abs(labeled[None] - np.arange(len(self._labels))[:, None]).argmin(1)]
        return np.where(mask, np.moveaxis(self._labels[nearest], 0, axis), 0).astype(np.uint16)
