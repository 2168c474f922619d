"""Dice: random numbers for a batch, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anybone.core.array_types import Int

_SEEDS = 2**62


class Dice:
    """Draws on the CPU, where a handful of numbers for each image costs nothing, whatever the device of the images.

    Args:
        seed: The same seed, the same draws in the same order.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Evenly between `low` and `high`."""
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Between `low` and `high`, each doubling as likely as any other."""
        return torch.exp(self.uniform(*torch.tensor([low, high]).log().tolist(), *shape))

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Around 0."""
        return deviation * torch.randn(shape, generator=self.generator)

    def chance(self, share: float, *shape: int) -> Tensor:
        """True for about this share of the draws."""
        return torch.rand(shape, generator=self.generator) < share

    def below(self, count: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to `count` - 1."""
        return torch.randint(count, shape, generator=self.generator)

    def choice(self, weights: Sequence[float], count: int) -> Int[Tensor, " n"]:
        """Indices into `weights`, as often as they weigh."""
        return torch.multinomial(torch.tensor(weights), count, replacement=True, generator=self.generator)

    def on(self, device: torch.device | str) -> torch.Generator:
        """A generator on a device, for noise by the million; what it draws depends on the kind of device."""
        seed = int(torch.randint(_SEEDS, (), generator=self.generator))
        return torch.Generator(device=device).manual_seed(seed)
