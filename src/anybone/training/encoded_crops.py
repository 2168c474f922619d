"""Crops of slices of a few cases, encoded once, unchanged and augmented, to train a decoder on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.models.bone_sam import BoneSam
from anybone.models.image_normalization import to_network
from anybone.training.augment import augment, plain
from anybone.training.cache import Cache
from anybone.training.config import TrainingConfig

MAX_CROPS = 400  # that are encoded and held: a minute on one core and 0.2 GB at the default size
CROPS_PER_SLICE = 12

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EncodedCrops:
    """Encoded slices.

    Attributes:
        embeddings: float16.
        bones: uint8, as in a cache.
        kinds: uint8, the label behind each number in `bones`, as `slices.kinds_of` gives it.
        cases: The case of each view.
        plain: True for crops of unaugmented slices.
    """

    embeddings: Float[Tensor, "n c h w"]
    bones: Int[Tensor, "n s s"]
    kinds: Int[Tensor, "n 256"]
    cases: list[str]
    plain: list[bool]

    def of(self, wanted: Collection[str], *, plain: bool = False) -> EncodedCrops:
        """Return the crops of some cases; with `plain`, only unaugmented slices."""
        return self.at([i for i, case in enumerate(self.cases) if case in wanted and (self.plain[i] or not plain)])

    def at(self, which: Sequence[int]) -> EncodedCrops:
        """Return the crops with these indices."""
        index = torch.as_tensor(which, dtype=torch.long, device=self.bones.device)
        return EncodedCrops(
            self.embeddings[index],
            self.bones[index],
            self.kinds[index],
            [self.cases[i] for i in which],
            [self.plain[i] for i in which],
        )

    def draw(self, count: int, rng: torch.Generator) -> EncodedCrops:
        """Draw random crops, equally many of each case on average, however many slices it has."""
        weights = torch.tensor([1 / self.cases.count(case) for case in self.cases], device=rng.device)
        return self.at(torch.multinomial(weights, count, replacement=True, generator=rng).tolist())

    def named(self) -> Int[Tensor, "n s s"]:
        """Return the label of the reference in each pixel: 0 background, IGNORE the ignore label."""
        numbers = self.bones.long()
        return self.kinds.long().gather(1, numbers.flatten(1)).view_as(numbers)


@torch.no_grad()
def encode_crops(
    model: BoneSam,
    cache: Cache,
    kinds: Int[Tensor, "n 256"],
    config: TrainingConfig,
    rng: torch.Generator,
    progress: Progress = lambda step, done, total: None,
) -> EncodedCrops:
    """Encode each slice of a cache unchanged, and several times augmented by `config.augmentation`.

    Args:
        model: Whose encoder it is.
        cache: The slices.
        kinds: Label of each number in the cache's `bones`.
        config: Batch, augmentation, precision and device.
        rng: Generator of the augmentation.
        progress: Called with ("encode", done, total).
    """
    model.eval()
    count, size = len(cache.patients), model.image_size
    rounds = max(1, min(CROPS_PER_SLICE, MAX_CROPS // count))
    embeddings, bones = [], []
    for number in range(rounds):
        for start in range(0, count, config.batch):
            part = slice(start, start + config.batch)
            images, labels = cache.images[part].to(config.device), cache.bones[part].to(config.device)
            if number == 0:
                seen, truth = plain(images, labels, size)
            else:
                seen, truth = augment(images, labels, size, config.augmentation, rng)
            with torch.autocast(config.device, torch.bfloat16, enabled=config.bfloat16):
                embeddings.append(model.encode(to_network(seen)).half())
            bones.append(truth.to(torch.uint8))
            progress("encode", number * count + min(start + config.batch, count), rounds * count)
    is_plain = [number == 0 for number in range(rounds) for _ in range(count)]
    names = kinds.to(config.device).repeat(rounds, 1)
    return EncodedCrops(torch.cat(embeddings), torch.cat(bones), names, cache.patients * rounds, is_plain)
