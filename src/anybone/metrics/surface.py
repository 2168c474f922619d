"""Metrics that measure distances between surfaces, in mm.

The surface of a mask is made of the voxel faces between inside and outside, the faces on the border of the grid among
them. A face is its centre and its area, both in mm, so that thick slices weigh what they should and a mask one voxel
thin has a surface like any other. Distances run from face centre to nearest face centre, without rounding to a grid.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anybone.metrics.overlap import Mask, Spacing, same_grid

NSD_TOLERANCE_MM = 2.0  # about what two people who outline the same bone on clinical MRI differ by
_HD_PERCENTILE = 95.0  # the worst 5 % of the surface is left out: one stray voxel is not the measure of a mask


class _Surface(NamedTuple):
    centres_mm: NDArray[np.float64]  # n, axes
    areas_mm2: NDArray[np.float64]  # n


def hd95_mm(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """The distance that 95 % of each surface's area stays within from the other surface, in mm."""
    there, back = _both_ways(prediction, truth, spacing_mm)
    return max(_percentile(*there), _percentile(*back))


def assd_mm(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """Average distance between the surfaces, over both of them, weighted by area, in mm."""
    there, back = _both_ways(prediction, truth, spacing_mm)
    distances, areas = np.concatenate([there[0], back[0]]), np.concatenate([there[1], back[1]])
    return float(np.average(distances, weights=areas)) if len(areas) else 0.0


def nsd(prediction: Mask, truth: Mask, spacing_mm: Spacing, tolerance_mm: float = NSD_TOLERANCE_MM) -> float:
    """Share of both surfaces' area that lies within `tolerance_mm` of the other surface, 0..1."""
    there, back = _both_ways(prediction, truth, spacing_mm)
    distances, areas = np.concatenate([there[0], back[0]]), np.concatenate([there[1], back[1]])
    return float(areas[distances <= tolerance_mm].sum() / areas.sum()) if len(areas) else 1.0


_Directed = tuple[NDArray[np.float64], NDArray[np.float64]]  # distances in mm, areas in mm2, one a face


def _both_ways(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> tuple[_Directed, _Directed]:
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    first, second = _faces(prediction, spacing_mm), _faces(truth, spacing_mm)
    return (_nearest(first, second), first.areas_mm2), (_nearest(second, first), second.areas_mm2)


def _faces(mask: Mask, spacing_mm: Spacing) -> _Surface:
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    padded = np.pad(mask, 1)
    centres, areas = [], []
    for axis in range(mask.ndim):
        at = np.argwhere(np.diff(padded, axis=axis)).astype(np.float64)
        at[:, axis] += 0.5
        centres.append((at - 1) * spacing)
        areas.append(np.full(len(at), np.prod(np.delete(spacing, axis))))
    return _Surface(np.concatenate(centres), np.concatenate(areas))


def _nearest(start: _Surface, goal: _Surface) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    if not len(start.centres_mm) or not len(goal.centres_mm):
        return np.full(len(start.centres_mm), math.inf)
    distances, _ = cKDTree(goal.centres_mm).query(start.centres_mm)
    return np.asarray(distances, dtype=np.float64)


def _percentile(distances: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    """The smallest distance that `_HD_PERCENTILE` of the area stays within; 0 for a surface without faces."""
    if not len(distances):
        return 0.0
    order = np.argsort(distances)
    covered = np.cumsum(areas[order])
    place = int(np.searchsorted(covered, covered[-1] * _HD_PERCENTILE / 100 * (1 - 1e-12)))
    return float(distances[order[place]])
