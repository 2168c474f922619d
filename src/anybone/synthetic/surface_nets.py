"""A surface out of a field of numbers: one vertex in each cell that the surface crosses ("naive surface nets")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import Mesh

_CORNERS = [(0, 0), (1, 0), (1, 1), (0, 1)]  # the four cells about an edge, in turn


def surface(field: NDArray[np.floating], geometry: Geometry) -> Mesh:
    """Return the closed surface where `field` "i j k" crosses zero from above (inside); it may have no faces.

    The field counts as below zero beyond its border. Gibson 1998; vertices are the means of the crossings of a cell.
    """
    values = np.pad(np.asarray(field, dtype=np.float32), 1, constant_values=-1.0)
    inside = values > 0
    cells = tuple(n - 1 for n in values.shape)
    count = np.zeros(cells, dtype=np.int32)
    total = np.zeros((*cells, 3), dtype=np.float32)
    crossings = [_crossings(values, inside, axis) for axis in range(3)]
    for axis, (index, share, _) in enumerate(crossings):
        point = index.astype(np.float32)
        point[:, axis] += share
        for cell in _cells_about(index, axis):
            np.add.at(count, tuple(cell.T), 1)
            np.add.at(total, tuple(cell.T), point)
    number = np.cumsum(count.ravel() > 0).reshape(cells) - 1
    used = count > 0
    vertices = total[used] / count[used][:, None] - 1  # less the padding
    quads = [_quads(number, index, axis, outward) for axis, (index, _, outward) in enumerate(crossings)]
    quad = np.concatenate(quads)
    faces = np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    if np.linalg.det(geometry.affine_ras_mm[:3, :3]) < 0:
        faces = faces[:, ::-1]
    return Mesh(geometry.to_world(vertices), faces.astype(np.int32))


def _crossings(
    values: NDArray[np.float32], inside: NDArray[np.bool_], axis: int
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """Edges along `axis` whose ends lie on two sides: their lower ends, where they cross, and if they lead outwards."""
    first = [slice(None)] * 3
    second = [slice(None)] * 3
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    lower, upper = values[tuple(first)], values[tuple(second)]
    index = np.argwhere(inside[tuple(first)] != inside[tuple(second)])
    a, b = lower[tuple(index.T)], upper[tuple(index.T)]
    return index, a / (a - b), a > 0


def _cells_about(index: NDArray[np.intp], axis: int) -> list[NDArray[np.intp]]:
    """Return the four cells that share each edge along `axis`, in rotational order."""
    following, last = (axis + 1) % 3, (axis + 2) % 3
    found = []
    for a, b in _CORNERS:
        cell = index.copy()
        cell[:, following] += a - 1
        cell[:, last] += b - 1
        found.append(cell)
    return found


def _quads(
    number: NDArray[np.intp], index: NDArray[np.intp], axis: int, outward: NDArray[np.bool_]
) -> NDArray[np.intp]:
    quads = np.column_stack([number[tuple(cell.T)] for cell in _cells_about(index, axis)])
    return np.where(outward[:, None], quads, quads[:, ::-1])
