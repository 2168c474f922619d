"""The coarse grid on which soft tissue is laid out: faster, and rounder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.tissues.field import Array, Field, Mask, noise

COARSE = 3  # voxels of the field along each axis


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
    """What was laid out on the coarse grid, on the field's."""
    from scipy import ndimage

    large = ndimage.zoom(coarse.astype(np.float32), COARSE, order=1, mode="nearest", grid_mode=True)
    return np.asarray(large[tuple(map(slice, field.shape))], dtype=np.float32)


def repeated(field: Field, coarse: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers that were laid out on the coarse grid, on the field's: each that of its block."""
    for axis in range(3):
        coarse = coarse.repeat(COARSE, axis)
    return coarse[tuple(map(slice, field.shape))]


def coarse_noise(field: Field, shape: tuple[int, int, int], length_mm: float) -> Array:
    """As `Field.noise`, on the coarse grid of that shape."""
    return noise(field.rng, shape, COARSE * field.spacing_mm, length_mm)
