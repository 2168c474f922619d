"""Step 3, attend: the 3-D branch looks at the whole volume once and gives each slice an attention map."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.core.volume import Volume
from anybone.inference.intensity import as_stored, clip_to_unit
from anybone.inference.slicing import SliceFrame
from anybone.models.config import EMBEDDING_STRIDE

SIDE = 64  # cells along each axis of the 3-D branch
REACH = 8  # cells of depth that are summed on either side of a slice
FAINT = 0.1  # probabilities up to this do not count
# The published curve that lifts the normalized sum: nothing up to 0.001, then two straight pieces that meet at 0.05.
CURVE_ZERO, CURVE_KNEE, CURVE_KNEE_VALUE = 0.001, 0.05, 0.8


def published_volume(volume: Volume | NDArray[np.generic]) -> Float[Tensor, "1 1 64 64 64"]:
    """The 3-D branch's input that the published program makes of a volume, or of a file's own array "i j k"."""
    return attention_input(clip_to_unit(as_stored(volume)))


def attention_input(normalized: Float[Tensor, "i j k"]) -> Float[Tensor, "1 1 64 64 64"]:
    """A volume in 0..1 resized to 64 cells along each axis, each cell's center sampled linearly, in -1..1."""
    cells = F.interpolate(normalized[None, None], size=(SIDE, SIDE, SIDE), mode="trilinear", align_corners=False)
    return (cells - 0.5) / 0.5


def attention_map(probability: Float[Tensor, "*b 64 64 64"], k: int, depth: int) -> Float[Tensor, "*b2 64 64"]:
    """The attention map of slice `k` of `depth`, from the 3-D branch's probability with slices on its last axis.

    Args:
        probability: Of one volume, "64 64 64", which gives "64 64"; or what `attend` gives, "b 1 64 64 64", which
            gives "b 64 64", as `fuse` takes it.
        k: Slice index.
        depth: Slices of the volume.
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
    """The attention map of a frame's slice on the embedding's grid: the slice's part of the frame, zero beside it."""
    maps = frame.picture(attention_map(probability, frame.index, depth))[None, None]
    inside = [max(1, round(side / EMBEDDING_STRIDE)) for side in frame.content_shape]
    cells = [side // EMBEDDING_STRIDE for side in frame.frame_shape]
    if inside != list(maps.shape[2:]):
        maps = F.interpolate(maps, size=inside, mode="bilinear", align_corners=False)
    return F.pad(maps[0], (0, cells[1] - inside[1], 0, cells[0] - inside[0]))
