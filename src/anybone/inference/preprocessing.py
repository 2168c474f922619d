"""Steps 2 to 4, normalize, attend and cut: everything that is done once per volume; and the network's input images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.core.progress import Clock
from anybone.core.volume import Volume
from anybone.inference.attention import attend, attention_input
from anybone.inference.options import SegmentOptions
from anybone.inference.slicing import SliceFrame, cut, slice_axis
from anybone.models.image_normalization import to_network
from anybone.models.network import Network

CLIP_PERCENTILES = (1.0, 99.0)
PUBLISHED_SIZE = 1024
_NOISE_SLICES = 5  # slices of a volume in which noise is measured
_TISSUE = 0.1  # of the range: darker pixels are air, which has other noise than tissue
_MAD = 0.6745  # median absolute deviation of Gaussian noise over its standard deviation
PUBLISHED_DARK_MEAN = 0.1  # slices darker than this are brightened, as published
PUBLISHED_DARK_GAMMA = 0.8


@dataclass(frozen=True)
class PreparedVolume:
    """A volume after normalize, attend and cut.

    Attributes:
        normalized: Intensities in 0..1.
        axis: Array axis that slices are stacked along.
        frames: Frame of every slice.
        nonempty_slices: Mask of the slices that contain tissue.
        probability: Output of the 3-D branch, slices on the last axis; None without that branch.
        options: Options of the run, without smoothing if the volume has too little noise for it.
    """

    normalized: Float[Tensor, "i j k"]
    axis: int
    frames: list[SliceFrame]
    nonempty_slices: NDArray[np.bool_]
    probability: Float[Tensor, "64 64 64"] | None
    options: SegmentOptions


@torch.inference_mode()
def prepare(network: Network, volume: Volume, options: SegmentOptions, clock: Clock) -> PreparedVolume:
    """Run steps 2 normalize, 3 attend and 4 cut."""
    axis = slice_axis(volume.geometry, options)
    with clock.step("normalize"):
        normalized = normalize(volume.data)
    with clock.step("attend"):
        probability = None
        if network.uses_volume:
            clock.progress("attend", 0, 1)
            probability = attend(network, normalized, axis)
    with clock.step("cut"):
        frames = cut(volume.geometry, axis, network.image_size, options)
        nonempty_slices = find_nonempty_slices(normalized, axis, options.min_signal)
        if options.smoothing_mm and fine_noise(normalized, frames, nonempty_slices) < options.smoothing_noise:
            options = replace(options, smoothing_mm=0.0)
    return PreparedVolume(normalized, axis, frames, nonempty_slices, probability, options)


# --- step 2, normalize ---


def normalize(data: NDArray[np.float32]) -> Float[Tensor, "i j k"]:
    """Clip intensities at their 1st and 99th percentile and scale them to 0..1; a constant volume becomes 0."""
    low, high = (percentile_by_rank(data, p) for p in CLIP_PERCENTILES)
    if high <= low:
        low, high = float(data.min()), float(data.max())
    normalized = torch.from_numpy(data).clamp(low, high) - low
    return normalized / (high - low) if high > low else normalized


def percentile_by_rank(values: NDArray[np.floating], percent: float) -> float:
    """Return the value at rank 1 + round(percent / 100 * (n - 1)), counted from 1, without interpolation."""
    k = round(percent / 100 * (values.size - 1))
    return float(np.partition(values, k, axis=None).reshape(-1)[k])


def find_nonempty_slices(normalized: Float[Tensor, "i j k"], axis: int, min_signal: float) -> NDArray[np.bool_]:
    """Return for each slice along `axis` whether its bright tissue reaches a fraction of the volume's range.

    The brightness is the 99th percentile of 4 x 4 block means, which averages noise but keeps tissue.
    """
    slices = normalized.movedim(axis, 0)[:, None]
    kernel = (min(4, slices.shape[2]), min(4, slices.shape[3]))
    blocks = F.avg_pool2d(slices, kernel).flatten(1)
    rank = round(0.99 * (blocks.shape[1] - 1)) + 1
    return torch.kthvalue(blocks, rank, dim=1).values.numpy() >= min_signal


# --- the network's input image of a slice ---


def render(normalized: Float[Tensor, "i j k"], frame: SliceFrame, options: SegmentOptions) -> Float[Tensor, "1 3 h w"]:
    """Return the network's input image of one slice of a normalized volume."""
    if options.preprocessing == "published":
        return published_slice(normalized.movedim(frame.axis, 2), frame.index, frame.content_shape[0])
    gray = smooth(_resized(normalized, frame), [options.smoothing_mm / side for side in frame.pixel_mm])
    (h, w), (height, width) = frame.content_shape, frame.frame_shape
    return to_network(F.pad(gray[0], (0, width - w, 0, height - h)))


def _resized(normalized: Float[Tensor, "i j k"], frame: SliceFrame) -> Float[Tensor, "1 1 h w"]:
    """Return a slice at the scale of the network's input, in the view of the network."""
    plane = frame.picture(normalized.select(frame.axis, frame.index))[None, None]
    return F.interpolate(plane, size=frame.content_shape, mode="bilinear", antialias=True, align_corners=False)


def smooth(images: Float[Tensor, "b 1 h w"], sigma_px: Sequence[float]) -> Float[Tensor, "b 1 h w"]:
    """Smooth images by a Gaussian of a width along rows' and columns' steps; borders are repeated."""
    for axis, sigma in enumerate(sigma_px):
        if sigma > 0:
            reach = max(1, round(3 * sigma))
            kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=images.device) / sigma) ** 2)
            kernel = (kernel / kernel.sum()).view((-1, 1) if axis == 0 else (1, -1))[None, None]
            pad = (0, 0, reach, reach) if axis == 0 else (reach, reach, 0, 0)
            images = F.conv2d(F.pad(images, pad, mode="replicate"), kernel)
    return images


def fine_noise(
    normalized: Float[Tensor, "i j k"], frames: Sequence[SliceFrame], nonempty_slices: NDArray[np.bool_]
) -> float:
    """Return the noise of tissue at the scale of the network's input, as a fraction of the volume's range.

    It is the median, over a few slices, of the robust deviation of pixels from the mean of the 3 x 3 around them; 0 if
    no slice contains tissue.
    """
    candidates = np.flatnonzero(nonempty_slices)
    chosen = candidates[np.linspace(0, len(candidates) - 1, min(_NOISE_SLICES, len(candidates))).astype(int)]
    found = []
    for index in chosen.tolist():
        gray = _resized(normalized, frames[index])[0]
        local_mean = F.avg_pool2d(gray, 3, 1, 1, count_include_pad=False)
        tissue = gray > _TISSUE
        if tissue.any():
            found.append(float((gray - local_mean)[tissue].abs().median()) / _MAD)
    return float(np.median(found)) if found else 0.0


def published_input(volume: Volume | NDArray[np.generic], k: int) -> Float[Tensor, "1 3 1024 1024"]:
    """Return the input image that the published program makes of slice `k` along the third array axis.

    Args:
        volume: From `anybone.read`, or the file's own array "i j k" as stored.
        k: Slice index.
    """
    return published_slice(normalize(stored_array(volume)), k)


def published_volume_input(volume: Volume | NDArray[np.generic]) -> Float[Tensor, "1 1 64 64 64"]:
    """Return the 3-D branch's input that the published program makes of a volume, or of a file's array "i j k"."""
    return attention_input(normalize(stored_array(volume)))


def stored_array(volume: Volume | NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the file's own array "i j k" as float32."""
    return np.asarray(volume.data if isinstance(volume, Volume) else volume, dtype=np.float32)


def published_slice(
    normalized: Float[Tensor, "i j k"], k: int, side: int = PUBLISHED_SIZE
) -> Float[Tensor, "1 3 side side"]:
    """Return `published_input` of a normalized volume, for a network of any input size."""
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
