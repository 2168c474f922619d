"""Bones that do not pass through one another: seated at a distance, or pushed apart where they would touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.synthetic.mesh import edges_of
from anybone.synthetic.rigid import Move, shifted
from anybone.synthetic.scene import Mesh
from anybone.synthetic.voxelize import columns_met

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_COLUMN_MM = 1.0
_ROUNDS = 4
_GOOD_ENOUGH_MM = 0.1
_FACING = 0.3  # cosine between normals: surfaces that look the same way are not those of a joint
_REACH_MM = 6.0  # farther apart than this, bones do not touch
_DEEPEST_MM = 5.0  # a vertex deeper inside another bone belongs to a thin part whose sides cannot be distinguished


def seat(
    moving: Mesh,
    fixed: Mesh,
    direction: ArrayLike,
    gap_mm: float,
    around_mm: ArrayLike,
    radius_mm: float,
    share: float = 0.0,
) -> Move:
    """Return the shift of `moving` along `direction` after which it is `gap_mm` away from `fixed`, along it.

    Args:
        moving: A bone that lies on the far side of `fixed` along `direction`.
        fixed: The bone it faces.
        direction: Away from `fixed`.
        gap_mm: Least distance between the two.
        around_mm: Only what lies within `radius_mm` of this point counts.
        radius_mm: See above.
        share: Fraction of the facing surfaces that may be nearer than `gap_mm`: protruding edges.
    """
    up = np.asarray(direction, dtype=np.float64)
    up = up / np.linalg.norm(up)
    side = np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))])
    side = side / np.linalg.norm(side)
    axes = np.stack([side, np.cross(up, side), up])
    corner = np.asarray(around_mm) @ axes.T - [radius_mm, radius_mm, 0]
    size = int(2 * radius_mm / _COLUMN_MM)
    lowest = _heights(moving, axes, corner, size, radius_mm, -1)
    highest = _heights(fixed, axes, corner, size, radius_mm, 1)
    facing = np.isfinite(lowest) & np.isfinite(highest)
    if not facing.any():
        return shifted(np.zeros(3))
    return shifted(up * (gap_mm - float(np.quantile((lowest - highest)[facing], share))))


def _heights(
    mesh: Mesh, axes: NDArray[np.float64], corner: NDArray[np.float64], size: int, reach_mm: float, sign: int
) -> NDArray[np.float64]:
    """Return the highest (sign 1) or lowest (sign -1) point of the mesh in each column; infinite without one."""
    at = (mesh.vertices_mm @ axes.T - corner) / [_COLUMN_MM, _COLUMN_MM, 1]
    near = (np.abs(at[:, 2]) < reach_mm)[mesh.faces].all(axis=1)
    _, u, v, height = columns_met(at[mesh.faces[near]], (size, size))
    found = np.full((size, size), -np.inf)
    np.maximum.at(found, (u, v), sign * height)
    return sign * found


def apart(bones: Mapping[str, Mesh], gap_mm: float = 1.5) -> dict[str, Mesh]:
    """Return the bones with vertices pushed out that are nearer to another bone than `gap_mm`, or inside it.

    Both bones give way by half; pushes fade out over the surface. Bones that lie far inside one another stay so.
    """
    names = list(bones)
    meshes = [bones[name] for name in names]
    spread = [_spreading(mesh) for mesh in meshes]
    boxes = np.stack([mesh.bounds_mm for mesh in meshes])
    for _ in range(_ROUNDS):
        pushes = _pushes(meshes, boxes, gap_mm)
        if max(float(np.abs(push).max()) for push in pushes) < _GOOD_ENOUGH_MM:
            break
        for number, push in enumerate(pushes):
            if push.any():
                moved = meshes[number].vertices_mm + 0.5 * push + 0.5 * (spread[number] @ push)
                meshes[number] = Mesh(moved, meshes[number].faces)
    return dict(zip(names, meshes, strict=True))


def _pushes(meshes: Sequence[Mesh], boxes: NDArray[np.float64], gap_mm: float) -> list[NDArray[np.float64]]:
    """For each mesh the way each of its vertices has to go, "v 3" in mm."""
    pushes = [np.zeros_like(mesh.vertices_mm) for mesh in meshes]
    normals = [vertex_normals(mesh) for mesh in meshes]
    for one, other in combinations(range(len(meshes)), 2):
        low = np.maximum(boxes[one, 0], boxes[other, 0]) - _REACH_MM
        high = np.minimum(boxes[one, 1], boxes[other, 1]) + _REACH_MM
        if (low >= high).any():
            continue
        mine, theirs = (
            np.flatnonzero(((meshes[n].vertices_mm > low) & (meshes[n].vertices_mm < high)).all(axis=1))
            for n in (one, other)
        )
        for a, from_a, b, from_b in ((one, mine, other, theirs), (other, theirs, one, mine)):
            if len(from_a) and len(from_b):
                _push(pushes[a], meshes[a], normals[a], from_a, meshes[b], normals[b], from_b, gap_mm)
    return pushes


def _push(
    pushes: NDArray[np.float64],
    mesh: Mesh,
    normals: NDArray[np.float64],
    vertices: NDArray[np.intp],
    other: Mesh,
    other_normals: NDArray[np.float64],
    other_vertices: NDArray[np.intp],
    gap_mm: float,
) -> None:
    """Add to `pushes` the displacements that keep `vertices` of a mesh away from `other_vertices` of another one."""
    from scipy.spatial import cKDTree

    tree = cKDTree(other.vertices_mm[other_vertices])
    distance, nearest = tree.query(mesh.vertices_mm[vertices], distance_upper_bound=_REACH_MM)
    found = np.isfinite(distance)
    own, near = vertices[found], other_vertices[nearest[found]]
    outward = other_normals[near]
    height = ((mesh.vertices_mm[own] - other.vertices_mm[near]) * outward).sum(axis=1)
    facing = (normals[own] * outward).sum(axis=1) < _FACING
    need = np.where(facing & (height > -_DEEPEST_MM), np.maximum(gap_mm - height, 0) / 2, 0)
    pushes[own] += need[:, None] * outward


def _spreading(mesh: Mesh) -> csr_array:
    """Return the operator that averages values at vertices over a neighborhood some triangles wide."""
    from scipy.sparse import coo_array

    edges, _, _ = edges_of(mesh)
    count = len(mesh.vertices_mm)
    rows, columns = np.concatenate([edges, edges[:, ::-1], np.repeat(np.arange(count), 2).reshape(-1, 2)]).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    mean = graph.multiply(1 / np.asarray(graph.sum(axis=1)).reshape(-1, 1)).tocsr()
    return mean @ mean


def vertex_normals(mesh: Mesh) -> NDArray[np.float64]:
    """Return unit vectors "v 3" that point out of the mesh at its vertices."""
    a, b, c = (mesh.vertices_mm[mesh.faces[:, corner]] for corner in range(3))
    area = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(mesh.faces.ravel(), np.repeat(area[:, axis], 3), len(mesh.vertices_mm)) for axis in range(3)],
        axis=1,
    )
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))
