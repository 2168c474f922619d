"""Metrics that measure distances between surfaces, in mm.

Surfaces are made of surface elements (`metrics.surfels`), each with an area, so that thick slices weigh what they
should. Distances run from each element to the nearest one of the other surface. Values are those of DeepMind's
`surface-distance`; how MONAI's differ is said in docs/explanation/measuring.md.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError
from anybone.metrics.overlap import Mask, Spacing, same_grid
from anybone.metrics.surfels import surfels

NSD_TOLERANCE_MM = 2.0  # about what two people who outline the same bone on clinical MRI differ by
_ROUNDING = 1e-9  # a distance of exactly the tolerance lies within it
_HD_PERCENTILE = 95.0  # the worst 5 % of the surface is left out: one stray voxel is not the measure of a mask


class SurfaceDistances:
    """Distances between the surfaces of two masks; what needs them is computed once.

    Args:
        prediction: "i j k".
        truth: On the same grid.
        spacing_mm: Of the grid.
        known: Where the truth is known. Elsewhere neither mask is looked at, and surface beside it does not count.

    Raises:
        GeometryError: Shapes differ or are not of three axes, or a spacing is not above 0 mm.
    """

    def __init__(self, prediction: Mask, truth: Mask, spacing_mm: Spacing, known: Mask | None = None) -> None:
        prediction, truth = same_grid(prediction, truth, spacing_mm)
        if truth.ndim != 3:
            raise GeometryError(f"Surfaces are measured on three axes; found a mask of shape {truth.shape}.")
        if known is not None:
            prediction, truth = prediction & known, truth & known
        box = _around(prediction | truth)
        around = None if known is None else known[box]
        self._size_mm = np.asarray(truth.shape) * np.asarray(spacing_mm, dtype=np.float64)
        self._found = surfels(prediction[box], spacing_mm, around)
        self._true = surfels(truth[box], spacing_mm, around)

    @property
    def diagonal_mm(self) -> float:
        """Return the diagonal of the grid in mm, an upper bound of any distance on it."""
        return float(np.linalg.norm(self._size_mm))

    @property
    def hd95_mm(self) -> float:
        """The distance that 95 % of each surface's area stays within from the other surface."""
        there, back = self._both_ways
        return max(_percentile(there, self._found.areas_mm2), _percentile(back, self._true.areas_mm2))

    @property
    def assd_mm(self) -> float:
        """Average distance between the surfaces, over both of them, weighted by area."""
        distances, areas = self._pooled
        there = areas > 0  # elements without area may be infinitely far from a mask that has nothing
        return float(np.average(distances[there], weights=areas[there])) if there.any() else 0.0

    def nsd(self, tolerance_mm: float = NSD_TOLERANCE_MM) -> float:
        """Return the fraction of both surfaces' area within `tolerance_mm` of the other surface, 0..1."""
        distances, areas = self._pooled
        total = areas.sum()
        return float(areas[distances <= tolerance_mm * (1 + _ROUNDING)].sum() / total) if total else 1.0

    @cached_property
    def _both_ways(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From each element of the prediction to the truth, and back."""
        found, true = self._found.places_mm, self._true.places_mm
        return _nearest(found, true), _nearest(true, found)

    @property
    def _pooled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.concatenate(self._both_ways), np.concatenate([self._found.areas_mm2, self._true.areas_mm2])


def hd95_mm(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """`SurfaceDistances.hd95_mm` of two masks "i j k"."""
    return SurfaceDistances(prediction, truth, spacing_mm).hd95_mm


def assd_mm(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """`SurfaceDistances.assd_mm` of two masks "i j k"."""
    return SurfaceDistances(prediction, truth, spacing_mm).assd_mm


def nsd(prediction: Mask, truth: Mask, spacing_mm: Spacing, tolerance_mm: float = NSD_TOLERANCE_MM) -> float:
    """`SurfaceDistances.nsd` of two masks "i j k"."""
    return SurfaceDistances(prediction, truth, spacing_mm).nsd(tolerance_mm)


def _around(mask: Mask) -> tuple[slice, ...]:
    """Return the bounding box of the mask, padded by one voxel inside the grid."""
    if not mask.any():
        return (slice(0, 1),) * mask.ndim
    box = []
    for axis in range(mask.ndim):
        held = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        box.append(slice(max(int(held[0]) - 1, 0), int(held[-1]) + 2))
    return tuple(box)


def _nearest(start_mm: NDArray[np.float64], goal_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    if not len(start_mm) or not len(goal_mm):
        return np.full(len(start_mm), math.inf)
    distances, _ = cKDTree(goal_mm).query(start_mm, workers=-1)
    return np.asarray(distances, dtype=np.float64)


def _percentile(distances: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    """Return the distance that `_HD_PERCENTILE` of the area does not exceed; 0 for a surface without area."""
    if not areas.sum():
        return 0.0
    order = np.argsort(distances)
    covered = np.cumsum(areas[order])
    place = int(np.searchsorted(covered, covered[-1] * _HD_PERCENTILE / 100 * (1 - 1e-12)))
    return float(distances[order[place]])
