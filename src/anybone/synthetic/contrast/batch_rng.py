"""Random numbers for a batch, deterministic for a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anybone.core.array_types import Int

_SEEDS = 2**62


class BatchRng:
    """Random number generator on the CPU, where a few numbers per image cost nothing, for images on any device.

    Args:
        seed: The same seed, the same draws in the same order.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Draw uniformly between `low` and `high`."""
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Draw log-uniformly between `low` and `high`."""
        return torch.exp(self.uniform(*torch.tensor([low, high]).log().tolist(), *shape))

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Draw normally around 0."""
        return deviation * torch.randn(shape, generator=self.generator)

    def chance(self, share: float, *shape: int) -> Tensor:
        """Draw booleans that are true with probability `share`."""
        return torch.rand(shape, generator=self.generator) < share

    def below(self, count: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to `count` - 1."""
        return torch.randint(count, shape, generator=self.generator)

    def choice(self, weights: Sequence[float], count: int) -> Int[Tensor, " n"]:
        """Draw indices into `weights` with probabilities proportional to them."""
        return torch.multinomial(torch.tensor(weights), count, replacement=True, generator=self.generator)

    def on(self, device: torch.device | str) -> torch.Generator:
        """Return a generator on a device, for large noise arrays; its draws depend on the kind of device."""
        seed = int(torch.randint(_SEEDS, (), generator=self.generator))
        return torch.Generator(device=device).manual_seed(seed)
