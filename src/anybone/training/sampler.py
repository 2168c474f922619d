"""Sampling of slices for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from anybone.core.array_types import Int
from anybone.training.cache import IGNORE, Cache

_T = TypeVar("_T")


class BalancedSampler:
    """Draws each body region equally often, each patient of a region equally often, then one of its slices.

    Args:
        cache: Slices to draw from.
        empty_slice_fraction: Share of slices without bone, where a patient has some.
    """

    def __init__(self, cache: Cache, empty_slice_fraction: float) -> None:
        with_bone = ((cache.bones > 0) & (cache.bones < IGNORE)).flatten(1).any(1).tolist()
        self._regions: dict[str, dict[str, tuple[list[int], list[int]]]] = {}
        for index, (patient, bony) in enumerate(zip(cache.patients, with_bone, strict=True)):
            region = self._regions.setdefault(patient.split("/")[0], {})
            region.setdefault(patient, ([], []))[0 if bony else 1].append(index)
        self._empty_slice_fraction = empty_slice_fraction

    def draw(self, count: int, rng: torch.Generator) -> Int[Tensor, count]:
        """Draw indices of slices."""
        return torch.tensor([self._one(rng) for _ in range(count)])

    def _one(self, rng: torch.Generator) -> int:
        region = self._regions[_choose(list(self._regions), rng)]
        bony, empty = region[_choose(list(region), rng)]
        wants_empty = float(torch.rand(1, generator=rng, device=rng.device)) < self._empty_slice_fraction
        return _choose(empty if (wants_empty and empty) or not bony else bony, rng)


def _choose(items: Sequence[_T], rng: torch.Generator) -> _T:
    return items[int(torch.randint(len(items), (1,), generator=rng, device=rng.device))]
