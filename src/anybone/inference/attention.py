"""Step 3, attend: the 3-D branch runs on the whole volume once and gives an attention map for each slice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.inference.slicing import SliceFrame
from anybone.models.config import EMBEDDING_STRIDE
from anybone.models.network import Network, device_of

SIDE = 64  # cells along each axis of the 3-D branch
REACH = 8  # cells of depth summed on either side of a slice
FAINT = 0.1  # probabilities up to this are ignored
# The published curve that lifts the normalized sum: 0 up to 0.001, then two line segments that meet at 0.05.
CURVE_ZERO, CURVE_KNEE, CURVE_KNEE_VALUE = 0.001, 0.05, 0.8


def attend(network: Network, normalized: Float[Tensor, "i j k"], axis: int) -> Float[Tensor, "64 64 64"]:
    """Return the 3-D branch's probability of bone, slices on the last axis.

    Args:
        network: A network with a 3-D branch.
        normalized: Intensities in 0..1.
        axis: Array axis that slices are stacked along.
    """
    return network.attend(attention_input(normalized.movedim(axis, 2)).to(device_of(network)))[0, 0]


def attention_input(normalized: Float[Tensor, "i j k"]) -> Float[Tensor, "1 1 64 64 64"]:
    """Resize a volume in 0..1 to 64 cells along each axis, sampled linearly at cell centers, in -1..1."""
    cells = F.interpolate(normalized[None, None], size=(SIDE, SIDE, SIDE), mode="trilinear", align_corners=False)
    return (cells - 0.5) / 0.5


def attention_map(probability: Float[Tensor, "*b 64 64 64"], k: int, depth: int) -> Float[Tensor, "*b2 64 64"]:
    """Compute the attention map of slice `k` of `depth` from the 3-D branch's probability, slices on the last axis.

    Args:
        probability: One volume "64 64 64", which gives "64 64"; or the output of `Network.attend`,
            "b 1 64 64 64", which gives "b 64 64", the input of `Network.fuse`.
        k: Slice index.
        depth: Number of slices of the volume.
    """
    if probability.ndim == 5:
        probability = probability[:, 0]
    center = int(k * SIDE / depth)
    near = probability[..., max(center - REACH, 0) : min(center + REACH, SIDE)]
    summed = torch.where(near > FAINT, near, 0).sum(-1)
    a = summed / (summed.amax((-2, -1), keepdim=True) + 1e-8)
    low = a * (CURVE_KNEE_VALUE / CURVE_KNEE)
    high = (a - CURVE_KNEE) * ((1 - CURVE_KNEE_VALUE) / (1 - CURVE_KNEE)) + CURVE_KNEE_VALUE
    return torch.where(a > CURVE_KNEE, high, torch.where(a > CURVE_ZERO, low, 0))


def slice_attention(
    probability: Float[Tensor, "64 64 64"], frame: SliceFrame, depth: int
) -> Float[Tensor, "1 h16 w16"]:
    """Return the attention map of a slice on the embedding's grid, zero outside the slice's part of the frame."""
    maps = frame.picture(attention_map(probability, frame.index, depth))[None, None]
    inside = [max(1, round(side / EMBEDDING_STRIDE)) for side in frame.content_shape]
    cells = [side // EMBEDDING_STRIDE for side in frame.frame_shape]
    if inside != list(maps.shape[2:]):
        maps = F.interpolate(maps, size=inside, mode="bilinear", align_corners=False)
    return F.pad(maps[0], (0, cells[1] - inside[1], 0, cells[0] - inside[0]))
