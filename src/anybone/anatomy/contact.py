"""Bones that do not pass through one another: seated at a distance, or pushed apart where they would touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.anatomy.rigid import Move, shifted
from anybone.anatomy.scene import Mesh
from anybone.anatomy.voxelise import columns_met

_COLUMN_MM = 1.0
_ROUNDS = 4
_REACH_MM = 6.0  # farther apart than this, bones do not touch
_DEEPEST_MM = 5.0  # a vertex deeper inside another bone belongs to a thin part whose sides cannot be told apart


def seat(
    moving: Mesh,
    fixed: Mesh,
    direction: ArrayLike,
    gap_mm: float,
    around_mm: ArrayLike,
    radius_mm: float,
    share: float = 0.0,
) -> Move:
    """The shift of `moving` along `direction` after which it is `gap_mm` away from `fixed`, measured along it.

    Args:
        moving: A bone that lies on the far side of `fixed` along `direction`.
        fixed: The bone it faces.
        direction: Away from `fixed`.
        gap_mm: Least distance between the two.
        around_mm: Only what lies within `radius_mm` of this point counts.
        radius_mm: See above.
        share: How much of the facing surfaces may be nearer than `gap_mm`: edges that stand out.
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
    """The highest (sign 1) or lowest (sign -1) point of the mesh in each column; infinite where there is none."""
    at = (mesh.vertices_mm @ axes.T - corner) / [_COLUMN_MM, _COLUMN_MM, 1]
    near = (np.abs(at[:, 2]) < reach_mm)[mesh.faces].all(axis=1)
    _, u, v, height = columns_met(at[mesh.faces[near]], (size, size))
    found = np.full((size, size), -np.inf)
    np.maximum.at(found, (u, v), sign * height)
    return sign * found


def apart(bones: Mapping[str, Mesh], gap_mm: float | Mapping[str, float] = 1.5) -> dict[str, Mesh]:
    """The bones with each vertex that is nearer to another bone than half of `gap_mm`, or inside it, pushed out.

    Pushes are small and fade out over the surface; bones that lie far inside one another stay so.
    """
    names = list(bones)
    meshes = [bones[name] for name in names]
    for _ in range(_ROUNDS):
        pushes = _pushes(meshes, gap_mm if isinstance(gap_mm, float) else 1.5)
        if max((float(np.abs(p).max()) for p in pushes), default=0.0) < 0.1:
            break
        meshes = [_pushed(mesh, push) for mesh, push in zip(meshes, pushes, strict=True)]
    return dict(zip(names, meshes, strict=True))


def _pushes(meshes: Sequence[Mesh], gap_mm: float) -> list[NDArray[np.float64]]:
    """For each mesh the way each of its vertices has to go, "v 3" in mm."""
    from scipy.spatial import cKDTree

    owner = np.repeat(np.arange(len(meshes)), [len(m.vertices_mm) for m in meshes])
    points = np.concatenate([m.vertices_mm for m in meshes])
    normals = np.concatenate([vertex_normals(m) for m in meshes])
    pushes = np.zeros_like(points)
    boxes = np.stack([m.bounds_mm for m in meshes])
    for n in range(len(meshes)):
        near = (boxes[:, 0] < boxes[n, 1] + _REACH_MM).all(axis=1) & (boxes[:, 1] > boxes[n, 0] - _REACH_MM).all(axis=1)
        rivals = [k for k in np.flatnonzero(near) if k != n]
        mine = np.flatnonzero(owner == n)
        for k in rivals:
            low, high = boxes[k, 0] - gap_mm, boxes[k, 1] + gap_mm
            inside = mine[((points[mine] > low) & (points[mine] < high)).all(axis=1)]
            if not len(inside):
                continue
            theirs = np.flatnonzero(owner == k)
            distance, nearest = cKDTree(points[theirs]).query(points[inside], distance_upper_bound=_REACH_MM)
            found = np.isfinite(distance)
            own, other = inside[found], theirs[nearest[found]]
            height = ((points[own] - points[other]) * normals[other]).sum(axis=1)
            facing = (normals[own] * normals[other]).sum(axis=1) < 0.3
            need = np.where(facing & (height > -_DEEPEST_MM), np.maximum(gap_mm - height, 0) / 2, 0)
            pushes[own] += need[:, None] * normals[other]
    return np.split(pushes, np.cumsum([len(m.vertices_mm) for m in meshes])[:-1])


def _pushed(mesh: Mesh, push: NDArray[np.float64]) -> Mesh:
    """The mesh with its pushes spread over the neighbours of each vertex."""
    if not push.any():
        return mesh
    from scipy.sparse import coo_array

    edges = np.unique(np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    count = len(mesh.vertices_mm)
    rows, columns = np.concatenate([edges, edges[:, ::-1], np.repeat(np.arange(count), 2).reshape(-1, 2)]).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    graph = graph.multiply(1 / np.asarray(graph.sum(axis=1)).reshape(-1, 1)).tocsr()
    spread = push
    for _ in range(3):
        spread = graph @ spread
    return Mesh(mesh.vertices_mm + 0.5 * push + 0.5 * spread, mesh.faces)


def vertex_normals(mesh: Mesh) -> NDArray[np.float64]:
    """Unit vectors "v 3" that point out of the mesh at its vertices."""
    a, b, c = (mesh.vertices_mm[mesh.faces[:, corner]] for corner in range(3))
    area = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(mesh.faces.ravel(), np.repeat(area[:, axis], 3), len(mesh.vertices_mm)) for axis in range(3)],
        axis=1,
    )
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))
