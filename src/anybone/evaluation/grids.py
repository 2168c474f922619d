"""Masks onto the grid of the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anybone.core.errors import GeometryError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation

_SAME_VOXEL = 1e-2  # voxels: grids whose voxels lie closer than this are one grid, in whatever order


def onto(segmentation: Segmentation, goal: Geometry, *, resample: bool = False) -> Segmentation:
    """Return the segmentation on another grid: the same voxels reordered or, with `nearest`, resampled.

    Args:
        segmentation: On its own grid.
        goal: The grid that is wanted.
        resample: Whether voxels may lie elsewhere: each takes the label that the nearest voxel of the segmentation
            has, 0 outside of it.

    Raises:
        GeometryError: The voxels lie elsewhere, and that is not allowed.
    """
    own = segmentation.geometry
    if own.matches(goal):
        return replace(segmentation, geometry=goal)
    there = np.linalg.inv(own.affine_ras_mm) @ goal.affine_ras_mm  # indices of the goal -> our own
    if not resample and not _reorders(there, goal, own):
        raise GeometryError(
            f"The masks have different grids: {_describe(own)} against {_describe(goal)}. If they show the same "
            "patient in the same position, give --resample: each voxel of the reference then takes the nearest label."
        )
    labels = np.zeros(goal.shape_ijk, dtype=np.uint16)
    rows, columns = np.meshgrid(*(np.arange(n) for n in goal.shape_ijk[1:]), indexing="ij")
    shape = np.asarray(own.shape_ijk)[:, None, None]
    for i in range(goal.shape_ijk[0]):  # a slab at a time: the indices of a whole volume take much memory
        indices = np.stack([np.full_like(rows, i), rows, columns])
        at = np.rint(np.tensordot(there[:3, :3], indices, 1) + there[:3, 3, None, None]).astype(np.int64)
        inside = ((at >= 0) & (at < shape)).all(axis=0)
        labels[i][inside] = segmentation.labels[tuple(at[:, inside])]
    return replace(segmentation, labels=labels, geometry=goal, probability=None)


def _reorders(there: np.ndarray, goal: Geometry, own: Geometry) -> bool:
    """Return whether an index map only flips and permutes axes, onto the whole of the other grid."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in goal.shape_ijk], indexing="ij")).reshape(3, -1)
    landed = there[:3, :3] @ corners + there[:3, 3:]
    matrix = np.rint(there[:3, :3])
    one_each = (np.abs(matrix).sum(axis=0) == 1).all() and (np.abs(matrix).sum(axis=1) == 1).all()
    shape = tuple(np.abs(matrix).astype(int) @ goal.shape_ijk)
    return bool(
        one_each
        and shape == own.shape_ijk
        and np.abs(landed - np.rint(landed)).max() < _SAME_VOXEL
        and landed.min() > -_SAME_VOXEL
    )


def _describe(geometry: Geometry) -> str:
    shape = " x ".join(map(str, geometry.shape_ijk))
    spacing = " x ".join(f"{s:.3g}" for s in geometry.spacing_mm)
    return f"{shape} voxels of {spacing} mm, {geometry.orientation}"
