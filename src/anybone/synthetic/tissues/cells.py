"""Cells in place of muscles that are not modeled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissues.coarse import borders, coarse_noise, coarse_points, to_plane
from anybone.synthetic.tissues.field import Field, Mask

CELL_MM, CELL_COLORS = (13.0, 28.0), 3  # muscles that are not; cells of one color may touch without fat between
BEND_SHARE, WAVES_MM = 0.35, 45.0  # how far those are bent, of their size, and over what length


def cells(field: Field) -> Mask:
    """Muscle where no muscle is modeled: cells, longer than wide, with fat between."""
    from scipy.spatial import cKDTree

    rng = field.rng
    size = rng.uniform(*CELL_MM)
    stretch = np.array([1.0, 1.0, rng.uniform(2.0, 5.0)])[rng.permutation(3) if rng.random() < 0.3 else [0, 1, 2]]
    shape, points = coarse_points(field)
    extent = np.ptp(points, axis=0) / stretch
    count = int(np.clip(np.prod(extent / size + 1), 8, 4000))
    seeds = rng.uniform(0, 1, (count, 3)) * extent
    bent = (points - points.min(axis=0)) / stretch + BEND_SHARE * size * _waves(field, shape)
    away, nearest = cKDTree(seeds).query(bent, k=2, workers=1)
    ways = [seeds[nearest[:, which]] - bent for which in (0, 1)]
    plane_mm = to_plane(away[:, 0], away[:, 1], *ways).reshape(shape)
    color = rng.integers(CELL_COLORS, size=count)[nearest[:, 0]].reshape(shape)
    border = borders(field, plane_mm, color, CELL_COLORS)
    return np.asarray((border > 0.2 + 0.6 * np.abs(field.noise(18))) & (field.noise(30) > -1.3))


def _waves(field: Field, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Smooth displacements "n 3" of deviation 1 on the coarse grid."""
    return np.stack([coarse_noise(field, shape, WAVES_MM).ravel() for _ in range(3)], axis=1)
