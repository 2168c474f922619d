"""Cache: slices with their bones in one safetensors file, ready for training."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from anybone.core.array_types import Float, Int

IGNORE = 255  # a pixel whose truth is not known
FRAME = 512  # pixels along a cached slice's sides


@dataclass(frozen=True)
class Cache:
    """Slices of many patients.

    Attributes:
        images: uint8 "n 512 512", clipped and scaled by volume, padded at the bottom and right.
        bones: uint8 "n 512 512": 0 background, 1.. the slice's separate bones, 255 not known.
        patients: Patient of each slice, such as "spine/007".
    """

    images: Int[Tensor, "n h w"]
    bones: Int[Tensor, "n h w"]
    patients: list[str]

    @classmethod
    def empty(cls) -> Cache:
        """No slices."""
        nothing = torch.zeros(0, FRAME, FRAME, dtype=torch.uint8)
        return cls(nothing, nothing, [])

    def of(self, wanted: set[str]) -> Cache:
        """Return the slices of some patients."""
        keep = [i for i, p in enumerate(self.patients) if p in wanted]
        return Cache(self.images[keep], self.bones[keep], [self.patients[i] for i in keep])


@dataclass(frozen=True)
class AttendedCache(Cache):
    """Slices with what a 3-D branch makes of the volumes that they were cut from.

    Attributes:
        attention: The attention map of each slice's whole frame.
    """

    attention: Float[Tensor, "n 64 64"]

    def of(self, wanted: set[str]) -> AttendedCache:
        """Return the slices of some patients."""
        keep = [i for i, p in enumerate(self.patients) if p in wanted]
        return AttendedCache(
            self.images[keep], self.bones[keep], [self.patients[i] for i in keep], self.attention[keep]
        )


def save_cache(cache: Cache, path: Path, data: str = "") -> None:
    """Write the cache and the fingerprint of its data to a file, atomically."""
    metadata = {"patients": json.dumps(cache.patients), "data": data}
    part = path.with_suffix(".part")
    save_file({"images": cache.images.contiguous(), "bones": cache.bones.contiguous()}, part, metadata)
    os.replace(part, path)


def load_cache(path: Path) -> Cache:
    """Load the cache in a file."""
    with safe_open(path, framework="pt") as file:
        patients = json.loads(file.metadata()["patients"])
        return Cache(file.get_tensor("images"), file.get_tensor("bones"), patients)


def data_of(path: Path) -> str:
    """Return the fingerprint of the data that a cache was made from; empty if unknown."""
    with safe_open(path, framework="pt") as file:
        return str(file.metadata().get("data", ""))
