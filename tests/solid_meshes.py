"""Meshes whose measures are known by hand."""

from __future__ import annotations

import numpy as np

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import Mesh
from anybone.synthetic.surface_nets import surface


def cube(size_mm: float = 10.0, low_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    """An axis-parallel cube of twelve triangles that look outwards."""
    corner = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corner * size_mm + np.array(low_mm), np.array(faces, dtype=np.int32))


def ball(radius_mm: float, middle_mm: tuple[float, float, float] = (0.0, 0.0, 0.0), spacing_mm: float = 1.0) -> Mesh:
    """A ball of even triangles."""
    count = int(2 * radius_mm / spacing_mm) + 5
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = np.array(middle_mm) - (count - 1) / 2 * spacing_mm
    grid = Geometry((count, count, count), affine)
    away = np.linalg.norm(grid.to_world(np.argwhere(np.ones(grid.shape_ijk))) - middle_mm, axis=1)
    return surface((radius_mm - away).reshape(grid.shape_ijk), grid)


def without_faces(mesh: Mesh, count: int) -> Mesh:
    """The mesh with its first faces torn out."""
    return Mesh(mesh.vertices_mm, mesh.faces[count:])
