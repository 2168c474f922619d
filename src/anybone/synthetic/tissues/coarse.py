"""The coarse grid on which soft tissue is laid out: faster, and rounder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissues.field import Array, Field, Mask, noise

COARSE = 3  # voxels of the field along each axis; `fine` counts on it
LEAST_TURN = 0.15  # between the directions to two muscles, as if they did not lie in one another


def coarse_shape(field: Field) -> tuple[int, int, int]:
    """Voxels along R, A and S."""
    i, j, k = (-(-n // COARSE) for n in field.shape)
    return i, j, k


def coarse_points(field: Field) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Voxels along R, A and S, and the middles of all of them, "n 3" in RAS mm."""
    shape = coarse_shape(field)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1).reshape(-1, 3)
    points = field.geometry.to_world(index * COARSE + (COARSE - 1) / 2)
    return shape, points


def fine(field: Field, coarse: NDArray[np.floating] | Mask) -> NDArray[np.float32]:
    """Return a coarse field on the fine grid, interpolated linearly between the middles of its voxels."""
    found = coarse.astype(np.float32)
    for axis in range(3):
        here = np.moveaxis(found, axis, 0)
        below, above = here[[0, *range(len(here) - 1)]], here[[*range(1, len(here)), -1]]
        thirds = np.stack([(2 * here + below) / 3, here, (2 * here + above) / 3], axis=1)
        found = np.moveaxis(thirds.reshape(-1, *here.shape[1:])[: field.shape[axis]], 0, axis)
    return np.ascontiguousarray(found)


def borders(
    field: Field, away_mm: NDArray[np.floating], number: NDArray[np.integer], kinds: int
) -> NDArray[np.float32]:
    """Distances to where one number meets another, on the field's grid; exact also between voxels of the coarse one.

    For each binary digit the distances get a sign, which changes where numbers differ in it, so that 0 is met there.

    Args:
        field: Where.
        away_mm: Distances on the coarse grid.
        number: Number of each voxel's side of the border.
        kinds: Count of numbers, from 0.
    """
    digits = range(max(1, int(kinds - 1).bit_length()))
    signed = (fine(field, np.where(number >> digit & 1, away_mm, -away_mm)) for digit in digits)
    found = np.abs(next(signed))
    for each in signed:
        np.minimum(found, np.abs(each), out=found)
    return found


def to_plane(
    near_mm: NDArray[np.float64], next_mm: NDArray[np.float64], *ways_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distances to where two things are as near, from both distances and the ways "n 3" to both.

    The difference of the distances grows by that of the directions with each millimeter.
    """
    first, second = (way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6) for way in ways_mm)
    return np.asarray((next_mm - near_mm) / np.maximum(np.linalg.norm(first - second, axis=1), LEAST_TURN))


def repeated(field: Field, coarse: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers that were laid out on the coarse grid, on the field's: each that of its block."""
    for axis in range(3):
        coarse = coarse.repeat(COARSE, axis)
    return coarse[tuple(map(slice, field.shape))]


def coarse_noise(field: Field, shape: tuple[int, int, int], length_mm: float) -> Array:
    """Return `Field.noise` on the coarse grid of that shape."""
    return noise(field.rng, shape, COARSE * field.spacing_mm, length_mm)
