"""Moves of points and meshes: turns about an axis, and the move that lays one set of points on another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.synthetic.scene import Mesh

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Move:
    """Takes a point p to `matrix @ p + offset_mm`."""

    matrix: Array
    offset_mm: Array

    def __call__(self, points_mm: Array) -> Array:
        """Return the moved points "... 3"."""
        return np.asarray(points_mm @ self.matrix.T + self.offset_mm)

    def after(self, first: Move) -> Move:
        """Return the move that applies `first` and then this one."""
        return Move(self.matrix @ first.matrix, self.matrix @ first.offset_mm + self.offset_mm)

    def mesh(self, mesh: Mesh) -> Mesh:
        """Return the moved mesh."""
        return mesh.moved(self.matrix, self.offset_mm)

    def inverse(self) -> Move:
        """Return the inverse move."""
        back: Array = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        return Move(back, -back @ self.offset_mm)


REST = Move(np.eye(3), np.zeros(3))


def shifted(offset_mm: ArrayLike) -> Move:
    """Return a translation."""
    return Move(np.eye(3), np.asarray(offset_mm, dtype=np.float64))


def turned(angle_deg: float, axis: ArrayLike, center_mm: ArrayLike = (0.0, 0.0, 0.0)) -> Move:
    """Return a rotation about an axis through a point, counter-clockwise seen against the axis."""
    from scipy.spatial.transform import Rotation

    direction = np.asarray(axis, dtype=np.float64)
    matrix = Rotation.from_rotvec(np.radians(angle_deg) * direction / np.linalg.norm(direction)).as_matrix()
    center = np.asarray(center_mm, dtype=np.float64)
    return Move(matrix, center - matrix @ center)


def frame(origin_mm: ArrayLike, right: ArrayLike, up: ArrayLike) -> Move:
    """From a bone's own frame (x right, y front, z up) to where it is to stand; `right` is made square to `up`."""
    z = np.asarray(up, dtype=np.float64)
    z = z / np.linalg.norm(z)
    x = np.asarray(right, dtype=np.float64)
    x = x - z * (x @ z)
    x = x / np.linalg.norm(x)
    return Move(np.stack([x, np.cross(z, x), z], axis=1), np.asarray(origin_mm, dtype=np.float64))


def fitted(source_mm: Array, target_mm: Array, scale: bool = True) -> Move:
    """Return the rotation, shift and optional scale that best maps `source_mm` to `target_mm` (Umeyama 1991)."""
    a, b = source_mm.mean(axis=0), target_mm.mean(axis=0)
    u, s, vt = np.linalg.svd((target_mm - b).T @ (source_mm - a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    matrix = u @ np.diag(sign) @ vt
    if scale:
        matrix = matrix * float((s * sign).sum() / ((source_mm - a) ** 2).sum())
    return Move(matrix, b - matrix @ a)


def aligned(source: Mesh, target: Mesh, start: Move = REST, scale: bool = True, rounds: int = 40) -> Move:
    """Return the move that aligns a surface with another one of the same kind of bone (iterative closest point)."""
    from scipy.spatial import cKDTree

    points = source.vertices_mm[:: max(1, len(source.vertices_mm) // 1500)]
    there = target.vertices_mm[:: max(1, len(target.vertices_mm) // 3000)]
    ahead, move = cKDTree(there), start
    for _ in range(rounds):
        now = move(points)
        back = cKDTree(now).query(there)[1]  # both ways: else the source shrinks into a corner of the target
        left = np.vstack([points, points[back]])
        right = np.vstack([there[ahead.query(now)[1]], there])
        move = fitted(left, right, scale)
    return move


def laid_upright(source: Mesh, target: Mesh) -> Move:
    """Return the move of `aligned` for upright long bones, at any position and length."""
    (low, high), (below, above) = source.bounds_mm, target.bounds_mm
    scale = float((above - below)[2] / (high - low)[2])
    return aligned(source, target, Move(np.eye(3) * scale, (below + above) / 2 - scale * (low + high) / 2))


def sphere(points_mm: Array) -> tuple[Array, float]:
    """Middle and radius in mm of the sphere nearest to points, by least squares."""
    rows = np.column_stack([2 * points_mm, np.ones(len(points_mm))])
    solution = np.linalg.lstsq(rows, (points_mm**2).sum(axis=1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))
