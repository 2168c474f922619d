"""Voxelization of a surface: parity along lines of three directions, and their majority vote."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import Mesh

_OFFSET = np.array([1.13e-4, 2.37e-4, 3.71e-4])  # voxels: keeps lines off vertices and edges that lie on the grid

Indices = NDArray[np.intp]


def voxelize(mesh: Mesh, geometry: Geometry) -> NDArray[np.bool_]:
    """Return whether the middle of each voxel "i j k" is inside the surface.

    A line that runs out through a hole miscounts along one direction; two directions outvote it.
    """
    inside = np.zeros(geometry.shape_ijk, dtype=bool)
    window, part = voxelized_part(mesh, geometry)
    inside[window] = part
    return inside


def voxelized_part(mesh: Mesh, geometry: Geometry) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]]:
    """Return the window of the grid that the mesh reaches, and which of its voxels are inside."""
    at = geometry.to_voxel(mesh.vertices_mm) + _OFFSET
    if not len(mesh.faces):
        return (slice(0), slice(0), slice(0)), np.zeros((0, 0, 0), dtype=bool)
    low = np.clip(np.floor(at.min(axis=0)), 0, geometry.shape_ijk).astype(int)
    high = np.clip(np.ceil(at.max(axis=0)) + 1, low, geometry.shape_ijk).astype(int)
    shape = tuple(int(n) for n in high - low)
    window = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    if min(shape) == 0:
        return window, np.zeros(shape, dtype=bool)
    triangles = (at - low)[mesh.faces]
    votes = np.zeros(shape, dtype=np.uint8)
    for axis in range(3):
        order = ((axis + 1) % 3, (axis + 2) % 3, axis)  # the lines run along the last
        found = _parity(triangles[:, :, order], tuple(shape[a] for a in order))
        votes += found.transpose(np.argsort(order))
    return window, votes >= 2


def touched(mesh: Mesh, geometry: Geometry) -> NDArray[np.bool_]:
    """Return the voxels "i j k" that the surface passes, which separate inside from outside."""
    found = np.zeros(geometry.shape_ijk, dtype=bool)
    triangles = (geometry.to_voxel(mesh.vertices_mm) + _OFFSET)[mesh.faces]
    for axis in range(3):
        order = ((axis + 1) % 3, (axis + 2) % 3, axis)
        _, u, v, depth = columns_met(triangles[:, :, order], tuple(geometry.shape_ijk[a] for a in order[:2]))
        w = np.rint(depth).astype(np.intp)
        kept = (w >= 0) & (w < geometry.shape_ijk[axis])
        place: list[Indices] = [w] * 3
        place[order[0]], place[order[1]] = u, v
        found[tuple(index[kept] for index in place)] = True
    return found


def _parity(triangles: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """1 where a line along the last axis has met an odd number of triangles "t corner axis" on its way to the voxel."""
    _, u, v, depth = columns_met(triangles, shape[:2])
    entry = np.maximum(np.ceil(depth), 0).astype(np.intp)
    kept = entry < shape[2]
    place = (u[kept] * shape[1] + v[kept]) * shape[2] + entry[kept]
    met = np.zeros(int(np.prod(shape)), dtype=np.uint8)
    np.bitwise_xor.at(met, place, 1)
    return np.bitwise_xor.accumulate(met.reshape(shape), axis=2)


def columns_met(
    triangles: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[Indices, Indices, Indices, NDArray[np.float64]]:
    """Return the intersections of lines along the last axis, at whole (u, v) in `shape`, with triangles.

    Returns the number of the triangle, u, v, and the place along the line, for each meeting.
    """
    triangle, u, v = _columns_below(triangles, shape)
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = np.moveaxis(triangles, 0, 2)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    with np.errstate(divide="ignore", invalid="ignore"):  # seen edge-on, a triangle has no area and is not met
        inverse = 1 / area
        # Barycentric coordinates of b and c as linear functions of (u, v), worked out once a triangle.
        b_u, b_v = (cy - ay) * inverse, -(cx - ax) * inverse
        c_u, c_v = -(by - ay) * inverse, (bx - ax) * inverse
        du, dv = u - ax[triangle], v - ay[triangle]
        of_b = du * b_u[triangle] + dv * b_v[triangle]
        of_c = du * c_u[triangle] + dv * c_v[triangle]
        hit = np.flatnonzero((of_b >= 0) & (of_c >= 0) & (of_b + of_c <= 1))
    triangle = triangle[hit]
    depth = az[triangle] + of_b[hit] * (bz - az)[triangle] + of_c[hit] * (cz - az)[triangle]
    return triangle, u[hit], v[hit], depth


def _columns_below(triangles: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[Indices, Indices, Indices]:
    """Every pair of a triangle and a column within its bounding box: the triangle's number, the column's u and v."""
    first = np.maximum(np.ceil(triangles[:, :, :2].min(axis=1)), 0).astype(np.intp)
    last = np.minimum(np.floor(triangles[:, :, :2].max(axis=1)), np.array(shape) - 1).astype(np.intp)
    size = np.maximum(last - first + 1, 0)
    pairs = size[:, 0] * size[:, 1]
    triangle = np.repeat(np.arange(len(triangles)), pairs)
    within = np.arange(len(triangle)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    row, column = np.divmod(within, size[triangle, 1])
    return triangle, first[triangle, 0] + row, first[triangle, 1] + column
