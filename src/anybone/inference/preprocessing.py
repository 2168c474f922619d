"""Steps 2 to 6 of a volume's way: everything that does not depend on prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.volume import Volume
from anybone.inference.attention import attention_input, slice_attention
from anybone.inference.intensity import clip_to_unit
from anybone.inference.options import SegmentOptions
from anybone.inference.progress import Clock
from anybone.inference.slicing import SliceFrame, has_signal, make_frames, render
from anybone.models.network import Network


@dataclass(frozen=True)
class Prepared:
    """A volume cut into slices.

    Attributes:
        normalized: Its intensities in 0..1.
        axis: The array axis that slices are stacked along.
        frames: Of every slice.
        nonempty_slices: Which slices hold tissue.
        probability: What the 3-D branch makes of the volume, slices on the last axis; None without that branch.
        options: As given.
    """

    normalized: Float[Tensor, "i j k"]
    axis: int
    frames: list[SliceFrame]
    nonempty_slices: NDArray[np.bool_]
    probability: Float[Tensor, "64 64 64"] | None
    options: SegmentOptions


@torch.inference_mode()
def prepare(network: Network, volume: Volume, options: SegmentOptions, clock: Clock) -> Prepared:
    """Steps 2 normalize, 3 attend and 4 cut."""
    with clock.step("normalize"):
        normalized = clip_to_unit(volume.data)
    with clock.step("cut"):
        axis, frames = make_frames(volume.geometry, network.image_size, options)
        nonempty_slices = has_signal(normalized, axis, options.min_signal)
    with clock.step("attend"):
        probability = None
        if network.uses_volume:
            clock.progress("attend", 0, 1)
            probability = network.attend(attention_input(normalized.movedim(axis, 2)).to(device_of(network)))[0, 0]
    return Prepared(normalized, axis, frames, nonempty_slices, probability, options)


@torch.inference_mode()
def embed(network: Network, prepared: Prepared, indices: Sequence[int], clock: Clock) -> Tensor:
    """Steps 5 encode and 6 fuse: the embeddings of some slices, batch first."""
    frames = [prepared.frames[k] for k in indices]
    with clock.step("encode"):
        images = torch.cat([render(prepared.normalized, frame, prepared.options) for frame in frames])
        device = device_of(network)
        with torch.autocast(device.type, torch.bfloat16, enabled=prepared.options.bfloat16):
            embedding = network.encode(images.to(device)).float()
    if prepared.probability is None:
        return embedding
    with clock.step("fuse"):
        maps = [slice_attention(prepared.probability, frame, len(prepared.frames)) for frame in frames]
        return network.fuse(embedding, torch.cat(maps))


def device_of(network: Network) -> torch.device:
    """Where the network's weights lie; the CPU for one without any."""
    parameters = network.parameters() if isinstance(network, torch.nn.Module) else iter(())
    return next((p.device for p in parameters), torch.device("cpu"))
