"""Step 2, normalize: intensities of a volume -> what the network was trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.core.volume import Volume
from anybone.models.image_normalization import to_network

CLIP_PERCENTILES = (1.0, 99.0)
PUBLISHED_SIZE = 1024
PUBLISHED_DARK_MEAN = 0.1  # slices darker than this are brightened, as published
PUBLISHED_DARK_GAMMA = 0.8


def percentile_by_rank(values: NDArray[np.floating], percent: float) -> float:
    """The value at rank 1 + round(percent / 100 * (n - 1)), counted from 1: a k-th smallest, no interpolation."""
    k = round(percent / 100 * (values.size - 1))
    return float(np.partition(values, k, axis=None).reshape(-1)[k])


def clip_to_unit(data: NDArray[np.float32]) -> Float[Tensor, "i j k"]:
    """The volume clipped at its 1st and 99th percentile and scaled to 0..1; zeros where it is constant."""
    low, high = (percentile_by_rank(data, p) for p in CLIP_PERCENTILES)
    if high <= low:
        low, high = float(data.min()), float(data.max())
    normalized = torch.from_numpy(data).clamp(low, high) - low
    return normalized / (high - low) if high > low else normalized


def published_input(volume: Volume | NDArray[np.generic], k: int) -> Float[Tensor, "1 3 1024 1024"]:
    """The network input that the published program makes of slice `k` along the third array axis.

    Args:
        volume: What `anybone.read` gave, or the file's own array "i j k" as stored.
        k: Slice index.
    """
    return published_slice(clip_to_unit(as_stored(volume)), k)


def as_stored(volume: Volume | NDArray[np.generic]) -> NDArray[np.float32]:
    """The file's own array "i j k" as float32."""
    return np.asarray(volume.data if isinstance(volume, Volume) else volume, dtype=np.float32)


def published_slice(
    normalized: Float[Tensor, "i j k"], k: int, side: int = PUBLISHED_SIZE
) -> Float[Tensor, "1 3 side side"]:
    """Return the published network input of slice `k` of a volume that `clip_to_unit` made, for any input size."""
    return to_network(published_gray(normalized, k, side))


def published_gray(
    normalized: Float[Tensor, "i j k"], k: int, side: int = PUBLISHED_SIZE
) -> Float[Tensor, "1 side side"]:
    """Return the gray image in 0..1 that the published program makes of slice `k`, before ImageNet normalization."""
    peak = float(normalized.max())
    plane = normalized[:, :, k] / peak if peak > 0 else normalized[:, :, k]
    low, high = plane.min(), plane.max()
    bytes_ = ((plane - low) / (high - low + 1e-5) * 255).to(torch.uint8)
    resized = F.interpolate(bytes_[None, None], size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    x = resized[0].float() / 255
    bounds = np.quantile(x.numpy(), (0.01, 0.99))
    x = x.clamp(float(bounds[0]), float(bounds[1]))
    if x.mean() < PUBLISHED_DARK_MEAN:
        low, high = x.min(), x.max()
        x = ((x - low) / (high - low + 1e-7)) ** PUBLISHED_DARK_GAMMA * (high - low) + low
    return x
