"""Cache: slices with their bones in one safetensors file, ready for training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from anybone.shapes import Int

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

    def of(self, wanted: set[str]) -> Cache:
        """The slices of some patients."""
        keep = [i for i, p in enumerate(self.patients) if p in wanted]
        return Cache(self.images[keep], self.bones[keep], [self.patients[i] for i in keep])


def save_cache(cache: Cache, path: Path) -> None:
    """Writes the cache to a file."""
    metadata = {"patients": json.dumps(cache.patients)}
    save_file({"images": cache.images.contiguous(), "bones": cache.bones.contiguous()}, path, metadata)


def load_cache(path: Path) -> Cache:
    """The cache in a file."""
    with safe_open(path, framework="pt") as file:
        patients = json.loads(file.metadata()["patients"])
        return Cache(file.get_tensor("images"), file.get_tensor("bones"), patients)
