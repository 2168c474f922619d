"""Sources of the images of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.synthetic.contrast import BatchRng
from anybone.synthetic.scanner import Atlas, Renderer, RenderOptions
from anybone.training.augment import augment
from anybone.training.cache import IGNORE, Cache
from anybone.training.config import TrainingConfig
from anybone.training.degrade import degrade
from anybone.training.lesions import add_lesions
from anybone.training.sampler import BalancedSampler
from anybone.training.slice_components import label_components

JOINTS = ("knee", "elbow", "shoulder", "wrist", "hip", "ankle", "pelvis", "sacroiliac-joints")
JOINT_WEIGHT = 2.5  # how often a label map of a joint is drawn, relative to others: most clinical series show one
CLIPPED_SHARE = 0.03  # of the pixels of a synthetic slice, at most


@runtime_checkable
class Source(Protocol):
    """Anything that gives images, or volumes, with their bones, on the device of the generator."""

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b ..."], Int[Tensor, "b ..."]]:
        """Images in 0..1, and 0 background, 1.. separate bones, IGNORE not known."""
        ...


@runtime_checkable
class AttendedSource(Protocol):
    """Anything that gives images with their bones and the attention of a 3-D branch."""

    def draw(
        self, count: int, rng: torch.Generator
    ) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"], Float[Tensor, "b s s"]]:
        """Draw as a source does, with the attention maps of the images."""
        ...


AnySource = Source | AttendedSource


class RealSlices:
    """Slices of patients, each region and patient equally often, changed at random."""

    def __init__(self, cache: Cache, config: TrainingConfig) -> None:
        self._images, self._bones = cache.images.to(config.device), cache.bones.to(config.device)
        self._sampler = BalancedSampler(cache, config.empty_slice_fraction)
        self._size, self._augmentation = config.model.image_size, config.augmentation

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"]]:
        """Images in 0..1, and their bones."""
        drawn = self._sampler.draw(count, rng).to(rng.device)
        images, bones = augment(self._images[drawn], self._bones[drawn], self._size, self._augmentation, rng)
        return degrade(images, self._augmentation.degraded, rng), bones


class SyntheticSlices:
    """Slices of synthetic anatomy, each with a new scan: half with the contrast of a sequence, half with any."""

    def __init__(self, atlas: Atlas, config: TrainingConfig) -> None:
        self._renderer = Renderer(atlas, RenderOptions(size=config.model.image_size))
        self._often = torch.tensor([JOINT_WEIGHT if region in JOINTS else 1.0 for region in atlas.regions])
        self._augmentation = config.augmentation

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"]]:
        """Images in 0..1, and their bones; what is too faint to be seen is not known."""
        seed = int(torch.randint(2**31, (1,), generator=rng, device=rng.device))
        which = torch.multinomial(self._often, count, replacement=True, generator=BatchRng(seed).generator)
        rendered = self._renderer.draw(count, seed, which)
        bones = rendered.bone[:, 0].long().clamp(max=IGNORE - 1)
        images = add_lesions(clipped(rendered.image[:, 0], rng), bones, self._augmentation.lesion, rng)
        images = degrade(images, self._augmentation.degraded, rng)
        return images, label_components(torch.where(rendered.faint[:, 0], IGNORE, bones))


def clipped(images: Float[Tensor, "b ..."], rng: torch.Generator) -> Float[Tensor, "b ..."]:
    """Each image with its brightest few per cent clipped, as other slices of a volume would have it, in 0..1."""
    flat = images.flatten(1)
    share = torch.rand(len(images), generator=rng, device=rng.device) * CLIPPED_SHARE
    rank = ((1 - share) * (flat.shape[1] - 1)).long()[:, None]
    high = flat.sort(1).values.gather(1, rank).clamp(min=1e-6)
    return (flat / high).clamp(0, 1).view_as(images)


def draw_batch(sources: Mapping[str, AnySource], config: TrainingConfig, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Draw a batch, each image or volume from one of the sources with the fractions of `config.sources`."""
    names = [name for name, share in config.sources.items() if share > 0]
    shares = torch.tensor([config.sources[name] for name in names], device=rng.device)
    counts = torch.multinomial(shares, config.batch, replacement=True, generator=rng).bincount(minlength=len(names))
    parts = [sources[name].draw(n, rng) for name, n in zip(names, counts.tolist(), strict=True) if n]
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))
