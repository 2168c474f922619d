"""Where the images of a batch come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from anybone.shapes import Float, Int
from anybone.training.augment import augment
from anybone.training.cache import Cache
from anybone.training.config import TrainingConfig
from anybone.training.sampler import BalancedSampler


@runtime_checkable
class Source(Protocol):
    """Anything that gives images with their bones, on the device of the generator."""

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"]]:
        """Images in 0..1, and 0 background, 1.. separate bones, IGNORE not known."""
        ...


class RealSlices:
    """Slices of patients, each region and patient equally often, changed at random."""

    def __init__(self, cache: Cache, config: TrainingConfig) -> None:
        self._images, self._bones = cache.images.to(config.device), cache.bones.to(config.device)
        self._sampler = BalancedSampler(cache, config.empty_share)
        self._size, self._augmentation = config.model.image_size, config.augmentation

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"]]:
        """Images in 0..1, and their bones."""
        drawn = self._sampler.draw(count, rng).to(rng.device)
        return augment(self._images[drawn], self._bones[drawn], self._size, self._augmentation, rng)


def draw_batch(
    sources: Mapping[str, Source], config: TrainingConfig, rng: torch.Generator
) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"]]:
    """A batch with each image from one of the sources, as often as `config.sources` says."""
    names = [name for name, share in config.sources.items() if share > 0]
    shares = torch.tensor([config.sources[name] for name in names], device=rng.device)
    counts = torch.multinomial(shares, config.batch, replacement=True, generator=rng).bincount(minlength=len(names))
    parts = [sources[name].draw(n, rng) for name, n in zip(names, counts.tolist(), strict=True) if n]
    return torch.cat([images for images, _ in parts]), torch.cat([bones for _, bones in parts])
