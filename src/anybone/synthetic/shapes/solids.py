"""Simple solids as fields "i j k" in mm that are positive inside, and how they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.mesh import smoothed
from anybone.synthetic.scene import Mesh
from anybone.synthetic.surface_nets import surface

Field = NDArray[np.float32]
Point = Sequence[float]


@dataclass(frozen=True, eq=False)
class Space:
    """Places where fields are evaluated: x to the right, y to the front, z to the head, in mm of a bone's frame."""

    geometry: Geometry
    x: Field
    y: Field
    z: Field

    @classmethod
    def box(cls, low_mm: Point, high_mm: Point, spacing_mm: float) -> Space:
        """Return a grid of cubes between two corners; x, y and z broadcast against one another."""
        shape = tuple(int(np.ceil((b - a) / spacing_mm)) + 1 for a, b in zip(low_mm, high_mm, strict=True))
        affine = np.diag([spacing_mm] * 3 + [1.0])
        affine[:3, 3] = low_mm
        axes = [
            np.float32(a) + np.arange(n, dtype=np.float32) * np.float32(spacing_mm)
            for a, n in zip(low_mm, shape, strict=True)
        ]
        x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
        return cls(Geometry((shape[0], shape[1], shape[2]), affine), x, y, z)

    def mesh(self, field: Field) -> Mesh:
        """Return the smooth surface around the positive part of the field."""
        return smoothed(surface(np.broadcast_to(field, self.geometry.shape_ijk), self.geometry), 3)


def ellipsoid(space: Space, middle: Point, radii: Point) -> Field:
    """Return an ellipsoid."""
    terms = [((c - m) / r) ** 2 for c, m, r in zip((space.x, space.y, space.z), middle, radii, strict=True)]
    return np.asarray((1 - np.sqrt(terms[0] + terms[1] + terms[2])) * min(radii), dtype=np.float32)


def bar(space: Space, start: Point, end: Point, radii: tuple[float, float], stretch: Point = (1.0, 1.0, 1.0)) -> Field:
    """Return a rod with round ends and `radii` at its start and end, stretched along the axes about its line.

    Args:
        space: Where.
        start: One end of the middle line.
        end: The other.
        radii: At either end, in mm.
        stretch: Width relative to `radii` along x, y and z; (1, 1, 2) makes an upright plate.
    """
    s = np.asarray(stretch, dtype=float)
    a, b = np.asarray(start, dtype=float) / s, np.asarray(end, dtype=float) / s
    px, py, pz = (
        np.float32(1 / k) * c - np.float32(o) for k, c, o in zip(s, (space.x, space.y, space.z), a, strict=True)
    )
    dx, dy, dz = (float(v) for v in b - a)
    along = np.clip((px * dx + py * dy + pz * dz) / max(dx * dx + dy * dy + dz * dz, 1e-9), 0, 1)
    away = np.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2 + (pz - along * dz) ** 2)
    return np.asarray(radii[0] + along * (radii[1] - radii[0]) - away, dtype=np.float32)


def column(space: Space, middle: Point, radii: tuple[float, float], roundness: float = 2.0) -> Field:
    """Return an infinite upright column; `roundness` 2 is an ellipse, 3 and more approach a rectangle."""
    u, v = np.abs((space.x - middle[0]) / radii[0]), np.abs((space.y - middle[1]) / radii[1])
    return np.asarray((1 - (u**roundness + v**roundness) ** (1 / roundness)) * min(radii), dtype=np.float32)


def united(first: Field, second: Field, blend_mm: float = 2.0) -> Field:
    """Both, with the edge where they meet filled over about `blend_mm`."""
    share = np.clip(0.5 + 0.5 * (first - second) / blend_mm, 0, 1)
    return np.asarray(second + share * (first - second) + blend_mm * share * (1 - share), dtype=np.float32)


def without(first: Field, second: Field, blend_mm: float = 0.5) -> Field:
    """Return the first solid minus the second."""
    return -united(-first, second, blend_mm)
