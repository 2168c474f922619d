"""Rasterization of brush strokes and polygons drawn on a slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.geometry import Geometry


def brush_mask(
    geometry: Geometry, axis: int, ijk_list: Sequence[Sequence[float]], radius_mm: float
) -> tuple[int, NDArray[np.bool_]]:
    """Return the slice that a round brush was drawn on, and the mask of its pixels, bool "rows columns".

    Args:
        geometry: Grid of the volume.
        axis: Array axis that slices are stacked along.
        ijk_list: Voxels of the brush's center, connected by straight lines.
        radius_mm: Radius of the brush in mm; the voxel under its center is always included.

    Raises:
        PromptError: No voxel, a voxel outside the volume, or voxels on several slices.
    """
    path = _checked_path(geometry, ijk_list, "A brush stroke")
    if not np.isfinite(radius_mm) or radius_mm < 0:
        raise PromptError(f"The brush radius must be 0 mm or more; found {radius_mm}.")
    index = _one_slice(path, axis, "A brush stroke")
    rows, columns = (a for a in range(3) if a != axis)
    spacing = np.array([geometry.spacing_mm[rows], geometry.spacing_mm[columns]])
    plane = np.zeros((geometry.shape_ijk[rows], geometry.shape_ijk[columns]), dtype=bool)
    points = path[:, [rows, columns]]
    for start, end in zip(points, [*points[1:], points[-1]], strict=True):
        _line(plane, start, end, spacing, radius_mm)
    nearest = np.rint(points).astype(int)
    plane[nearest[:, 0], nearest[:, 1]] = True
    return index, plane


def polygon_mask(
    rows_columns: Sequence[Sequence[float]] | NDArray[np.floating], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the mask of the pixels whose centers are inside a closed polygon, by the even-odd rule.

    Args:
        rows_columns: Corners "n 2" in order; the last is connected to the first.
        shape: Shape of the slice.
    """
    corners = np.asarray(rows_columns, dtype=np.float64)
    inside = np.zeros(shape, dtype=bool)
    centers = np.arange(shape[1])
    for row in range(max(int(np.ceil(corners[:, 0].min())), 0), min(int(corners[:, 0].max()), shape[0] - 1) + 1):
        start, end = corners, np.roll(corners, -1, axis=0)
        crossed = (start[:, 0] <= row) != (end[:, 0] <= row)
        a, b = start[crossed], end[crossed]
        at = a[:, 1] + (row - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        inside[row] = np.searchsorted(np.sort(at), centers, side="right") % 2 == 1
    return inside


def _checked_path(geometry: Geometry, ijk_list: Sequence[Sequence[float]], what: str) -> NDArray[np.float64]:
    path = np.asarray(ijk_list, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] != 3 or not len(path) or not np.isfinite(path).all():
        raise PromptError(f"{what} needs voxels of three finite numbers i, j, k; found shape {path.shape}.")
    for ijk in path:
        if not geometry.contains(ijk):
            shown = ", ".join(f"{x:g}" for x in ijk)
            raise PromptError(f"{what} leaves the volume of shape {geometry.shape_ijk} at voxel ({shown}).")
    return path


def _one_slice(path: NDArray[np.float64], axis: int, what: str) -> int:
    slices: list[int] = sorted({round(x) for x in path[:, axis].tolist()})
    if len(slices) != 1:
        raise PromptError(f"{what} must be on one slice; found slices {slices[0]} to {slices[-1]} along axis {axis}.")
    return slices[0]


def _line(
    plane: NDArray[np.bool_],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    spacing_mm: NDArray[np.float64],
    radius_mm: float,
) -> None:
    """Set the pixels of `plane` within a radius of a line."""
    reach = radius_mm / spacing_mm
    low = np.maximum(np.ceil(np.minimum(start, end) - reach), 0).astype(int)
    high = np.minimum(np.floor(np.maximum(start, end) + reach) + 1, plane.shape).astype(int)
    if (high <= low).any():
        return
    grid = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
    from_start, along = (grid - start) * spacing_mm, (end - start) * spacing_mm
    length = float(along @ along)
    fraction = np.clip(from_start @ along / length, 0, 1) if length else np.zeros(grid.shape[:2])
    near = np.linalg.norm(from_start - fraction[..., None] * along, axis=-1) <= radius_mm
    plane[low[0] : high[0], low[1] : high[1]] |= near
