"""Variation between bodies: size, proportions, smooth bends of the whole, and small ones of each bone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Mesh

Array = NDArray[np.float64]

_WAVES = 5


@dataclass(frozen=True, eq=False)
class Warp:
    """A smooth displacement of space about a center: stretching along R, A and S, and a few waves.

    Args:
        center_mm: Fixed point of stretching.
        stretch: Along R, A and S.
        heights_mm: "w 3", the way points go at the crest of each wave.
        numbers: "w 3", the waves' numbers in radians a mm.
        phases: "w", radians.
    """

    center_mm: Array
    stretch: Array
    heights_mm: Array
    numbers: Array
    phases: Array

    def __call__(self, points_mm: Array) -> Array:
        """Return the displaced points "... 3"."""
        away = points_mm - self.center_mm
        waves = np.sin(away @ self.numbers.T + self.phases) - np.sin(self.phases)
        return np.asarray(self.center_mm + away * self.stretch + waves @ self.heights_mm)

    def mesh(self, mesh: Mesh) -> Mesh:
        """Return the mesh after the displacement."""
        return Mesh(self(mesh.vertices_mm), mesh.faces)


def warp(
    rng: np.random.Generator,
    center_mm: Array,
    height_mm: float,
    length_mm: tuple[float, float],
    size: float = 1.0,
    proportion: float = 0.03,
) -> Warp:
    """Draw a random warp.

    Args:
        rng: Draws it.
        center_mm: Stays where it is.
        height_mm: About how far points are displaced by the waves.
        length_mm: Between the shortest and the longest wave.
        size: Scale of everything.
        proportion: Standard deviation of the scale along each axis.
    """
    directions = rng.normal(size=(_WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(*length_mm, (_WAVES, 1))
    heights = rng.normal(size=(_WAVES, 3)) * height_mm / np.sqrt(_WAVES)
    # A wave that is steep squeezes or folds what it displaces: none may change lengths by more than a fifth.
    heights = np.clip(heights, -0.2 * lengths / (2 * np.pi), 0.2 * lengths / (2 * np.pi))
    stretch = size * np.exp(np.clip(rng.normal(0, proportion, 3), -2 * proportion, 2 * proportion))
    return Warp(
        np.asarray(center_mm, dtype=np.float64),
        stretch,
        heights,
        directions * 2 * np.pi / lengths,
        rng.uniform(0, 2 * np.pi, _WAVES),
    )


def individual(bones: Mapping[str, Mesh], rng: np.random.Generator, share: float = 0.025) -> dict[str, Mesh]:
    """Return the bones with individual proportions and bends, small enough that neighbors still fit together.

    Args:
        bones: Bones by name.
        rng: Draws the differences.
        share: About how large they are, as a share of the bone's size.
    """
    found = {}
    for name, mesh in bones.items():
        low, high = mesh.bounds_mm
        middle, size = (low + high) / 2, float(np.median(high - low))
        bend = warp(rng, middle, 0.5 * share * size, (0.8 * size, 3 * size), proportion=share)
        found[name] = bend.mesh(mesh)
    return found
